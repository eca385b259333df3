"""Saying something in a conversation: what is answered, streamed, refused, and kept."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from orbiter.application.ports.models import ChatRole, ModelError
from orbiter.domain.builtin_tools import BUILTIN_TOOLS
from support.agents import Asked, calls, says, script
from support.api import Api, Caller, running
from support.speaker import Speaker

CALCULATOR = next(tool.id for tool in BUILTIN_TOOLS.values() if tool.name == "calculator")
SUM = script(calls(("calculator", {"expression": "6 * 7"})), says("It is {{tool_result}}"))
STREAM = {"Accept": "text/event-stream"}


@pytest.fixture
async def speaker() -> Speaker:
    return Speaker()


@pytest.fixture
async def spoken(speaker: Speaker) -> AsyncIterator[Api]:
    """Orbiter whose models say what the test lets them."""
    async with running(gateway=speaker) as api:
        yield api


async def begun(caller: Caller, **settings: Any) -> str:
    """Return the id of a new conversation with a new agent."""
    agent = await caller.agent(await caller.project(), **{"model": "echo:echo", **settings})
    return await caller.conversation(agent["id"])


async def said(caller: Caller, conversation_id: str, **query: Any) -> list[dict[str, Any]]:
    """Return what was said."""
    answer = await caller.get(f"/conversations/{conversation_id}/messages", params=query)
    assert answer.status_code == 200, answer.text
    data: list[dict[str, Any]] = answer.json()["data"]
    return data


async def send(caller: Caller, conversation_id: str, content: str, **options: Any) -> Any:
    path = f"/conversations/{conversation_id}/messages"
    return await caller.post(path, {"content": content}, **options)


def told(answer: httpx.Response) -> list[tuple[str | None, str, dict[str, Any]]]:
    """Return the events of a stream that has ended: their ids, types and data."""
    assert answer.status_code == 200, answer.text
    events = []
    for block in answer.text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines())
        if "data" in fields:
            events.append((fields.get("id"), fields["event"], json.loads(fields["data"])))
    return events


async def test_an_answer_is_the_assistants_message(api: Api) -> None:
    admin = await api.admin()
    conversation_id = await begun(admin)
    answer = await send(admin, conversation_id, "  Where is   my order? ")
    assert answer.status_code == 201, answer.text
    message = answer.json()
    assert (message["role"], message["content"]) == ("assistant", "  Where is   my order? ")
    assert (message["tool_calls"], message["citations"], message["feedback"]) == ([], [], None)
    run = (await admin.get(f"/runs/{message['run_id']}")).json()
    assert (run["kind"], run["trigger"], run["status"]) == ("agent", "chat", "completed")
    assert run["conversation_id"] == conversation_id
    assert (message["usage"], message["cost_usd"]) == (run["usage"], run["cost_usd"])
    first, second = await said(admin, conversation_id)
    assert second == message
    assert (first["role"], first["content"]) == ("user", "  Where is   my order? ")
    assert (first["usage"], first["cost_usd"]) == (None, None)
    assert first["run_id"] == message["run_id"]
    shown = (await admin.get(f"/conversations/{conversation_id}")).json()
    assert (shown["title"], shown["message_count"]) == ("Where is my order?", 2)
    assert "busy_run_id" not in shown
    assert (await admin.get("/runs?trigger=chat")).json()["pagination"]["total"] == 1


async def test_calls_of_tools_stand_in_the_answer(api: Api) -> None:
    admin = await api.admin()
    conversation_id = await begun(admin, model="echo:script", tools=[CALCULATOR])
    message = (await send(admin, conversation_id, SUM)).json()
    (call,) = message["tool_calls"]
    assert (call["name"], call["arguments"]) == ("calculator", {"expression": "6 * 7"})
    assert "42" in json.dumps(call["output"])
    steps = (await admin.get(f"/runs/{message['run_id']}")).json()["steps"]
    assert call["id"] == next(step["id"] for step in steps if step["kind"] == "tool")
    failing = script(calls(("nothing", {})), says("Sorry"))
    (call,) = (await send(admin, conversation_id, failing)).json()["tool_calls"]
    assert call["output"]["error"]["code"] == "TOOL_NOT_FOUND"


async def test_an_object_is_answered_as_json(api: Api) -> None:
    admin = await api.admin()
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
    conversation_id = await begun(admin, output_schema=schema)
    message = (await send(admin, conversation_id, '{"a": 1}')).json()
    assert json.loads(message["content"]) == {"a": 1}


async def test_messages_come_oldest_first_page_by_page(api: Api) -> None:
    admin = await api.admin()
    conversation_id = await begun(admin)
    for number in range(3):
        assert (await send(admin, conversation_id, f"number {number}")).status_code == 201
    whole = await said(admin, conversation_id)
    assert [each["role"] for each in whole] == ["user", "assistant"] * 3
    assert await said(admin, conversation_id, order="desc") == whole[::-1]
    pages, cursor = [], None
    while True:
        query = {"limit": 4, **({"cursor": cursor} if cursor else {})}
        page = (await admin.get(f"/conversations/{conversation_id}/messages", params=query)).json()
        assert page["pagination"]["total"] == 6
        pages += page["data"]
        if (cursor := page["pagination"]["next_cursor"]) is None:
            break
    assert pages == whole


async def test_one_message_is_answered_at_a_time(spoken: Api, speaker: Speaker) -> None:
    admin = await spoken.admin()
    conversation_id = await begun(admin)
    first = asyncio.ensure_future(send(admin, conversation_id, "first"))
    await asyncio.wait_for(speaker.calling.wait(), 5)
    refused = await send(admin, conversation_id, "second")
    assert refused.status_code == 409
    run_id = refused.json()["error"]["details"]["run_id"]
    speaker.say("done")
    speaker.stop()
    assert (await first).json()["run_id"] == run_id
    assert [each["content"] for each in await said(admin, conversation_id)] == ["first", "done"]
    speaker.stop()
    assert (await send(admin, conversation_id, "third")).status_code == 201


async def test_of_fifty_at_once_exactly_one_is_answered(spoken: Api, speaker: Speaker) -> None:
    admin = await spoken.admin()
    conversation_id = await begun(admin)
    sent = [asyncio.ensure_future(send(admin, conversation_id, "me")) for _ in range(50)]
    async with asyncio.timeout(20):
        await speaker.calling.wait()
        while sum(each.done() for each in sent) < 49:
            await asyncio.sleep(0)
    speaker.stop()
    statuses = sorted([(await each).status_code for each in sent])
    assert statuses == [201, *[409] * 49]
    assert len(await said(admin, conversation_id)) == 2
    assert len(speaker.asked) == 1


async def test_a_repeated_key_gets_the_first_answer(api: Api) -> None:
    admin = await api.admin()
    conversation_id = await begun(admin)
    key = {"Idempotency-Key": "one"}
    first, second = [await send(admin, conversation_id, "hello", headers=key) for _ in range(2)]
    assert first.json() == second.json()
    assert len(await said(admin, conversation_id)) == 2


async def test_whose_caller_is_gone_is_answered_under_its_key(
    spoken: Api, speaker: Speaker
) -> None:
    admin = await spoken.admin()
    conversation_id = await begun(admin)
    key = {"Idempotency-Key": "one"}
    gone = asyncio.ensure_future(send(admin, conversation_id, "hello", headers=key))
    await asyncio.wait_for(speaker.calling.wait(), 5)
    gone.cancel()
    await asyncio.wait([gone])
    again = [
        asyncio.ensure_future(send(admin, conversation_id, "hello", headers=key)) for _ in range(3)
    ]
    speaker.say("good day")
    speaker.stop()
    answers = [await each for each in again]
    streamed = await send(admin, conversation_id, "hello", headers={**key, **STREAM})
    assert streamed.json() == answers[0].json()
    assert {each.status_code for each in answers} == {201}
    assert {each.json()["content"] for each in answers} == {"good day"}
    assert len(await said(admin, conversation_id)) == 2
    assert len(speaker.asked) == 1


async def test_a_key_whose_answer_failed_is_free_again(api: Api) -> None:
    admin = await api.admin()
    conversation_id = await begun(admin, model="echo:script")
    failing = script({"error": {"status": 401, "message": "who are you?"}})
    for _ in range(2):
        sent = await send(admin, conversation_id, failing, headers={"Idempotency-Key": "one"})
        assert sent.status_code == 503
    assert [each["role"] for each in await said(admin, conversation_id)] == ["user", "user"]


class TestFailing:
    """What becomes of messages without an answer."""

    @pytest.mark.parametrize(
        ("entry", "status", "code"),
        [
            ({"error": {"status": 401}}, 503, "MODEL_KEY_REFUSED"),
            ({"error": {"status": 400, "message": "no"}}, 503, "MODEL_REQUEST_REFUSED"),
            (calls(("calculator", {"expression": "1"})), 409, "MAX_TURNS"),
        ],
    )
    async def test_the_run_and_why_it_failed_are_told(
        self, api: Api, entry: Any, status: int, code: str
    ) -> None:
        admin = await api.admin()
        conversation_id = await begun(admin, model="echo:script", tools=[CALCULATOR], max_turns=1)
        answer = await send(admin, conversation_id, script(entry))
        assert answer.status_code == status, answer.text
        assert ("Retry-After" in answer.headers) == (status == 503)
        details = answer.json()["error"]["details"]
        run = (await admin.get(f"/runs/{details['run_id']}")).json()
        assert (details["code"], run["error"]["code"]) == (code, code)
        assert details["message"] == run["error"]["message"]
        assert [each["role"] for each in await said(admin, conversation_id)] == ["user"]
        assert (await send(admin, conversation_id, script(says("ok")))).status_code == 201

    async def test_what_guardrails_refuse_is_a_wrong_message(self, api: Api) -> None:
        admin = await api.admin()
        conversation_id = await begun(admin, guardrails={"max_input_chars": 3})
        answer = await send(admin, conversation_id, "too long")
        assert answer.status_code == 422
        (field,) = answer.json()["error"]["details"]["fields"]
        assert field["field"] == "content"

    async def test_a_cancelled_run_answers_nothing_and_frees_the_conversation(
        self, spoken: Api, speaker: Speaker
    ) -> None:
        admin = await spoken.admin()
        conversation_id = await begun(admin)
        sent = asyncio.ensure_future(send(admin, conversation_id, "first"))
        await asyncio.wait_for(speaker.calling.wait(), 5)
        (run,) = (await admin.get("/runs")).json()["data"]
        assert (await admin.post(f"/runs/{run['id']}/cancel")).status_code == 202
        answer = await sent
        assert (answer.status_code, answer.json()["error"]["details"]["code"]) == (409, "CANCELLED")
        speaker.stop()
        assert (await send(admin, conversation_id, "again")).status_code == 201
        roles = [each["role"] for each in await said(admin, conversation_id)]
        assert roles == ["user", "user", "assistant"]

    async def test_a_conversation_deleted_meanwhile_takes_its_run_with_it(
        self, spoken: Api, speaker: Speaker
    ) -> None:
        admin = await spoken.admin()
        conversation_id = await begun(admin)
        sent = asyncio.ensure_future(send(admin, conversation_id, "first"))
        await asyncio.wait_for(speaker.calling.wait(), 5)
        assert (await admin.delete(f"/conversations/{conversation_id}")).status_code == 204
        assert (await sent).json()["error"]["details"]["code"] == "CANCELLED"
        assert (await admin.get(f"/conversations/{conversation_id}")).status_code == 404
        (run,) = (await admin.get("/runs")).json()["data"]
        assert run["status"] == "cancelled"

    async def test_an_archived_agent_answers_nothing(self, api: Api) -> None:
        admin = await api.admin()
        conversation_id = await begun(admin)
        agent_id = (await admin.get(f"/conversations/{conversation_id}")).json()["agent_id"]
        await admin.put(f"/agents/{agent_id}", {"status": "archived"})
        assert (await send(admin, conversation_id, "hello")).status_code == 409
        assert await said(admin, conversation_id) == []

    @pytest.mark.parametrize("content", ["", "x" * 100_001, None, "a\0b"])
    async def test_what_is_no_message_is_refused(self, api: Api, content: Any) -> None:
        admin = await api.admin()
        conversation_id = await begun(admin)
        answer = await send(admin, conversation_id, content)
        assert answer.status_code == 422
        assert await said(admin, conversation_id) == []


class TestStreaming:
    """`Accept: text/event-stream`."""

    async def test_what_is_said_comes_as_it_is_said_and_the_message_last(
        self, spoken: Api, speaker: Speaker
    ) -> None:
        admin = await spoken.admin()
        conversation_id = await begun(admin)
        sent = asyncio.ensure_future(send(admin, conversation_id, "hello", headers=STREAM))
        await asyncio.wait_for(speaker.calling.wait(), 5)
        speaker.say("Good ", "morning", "!")
        speaker.stop()
        events = told(await sent)
        (message,) = [data for _, kind, data in events if kind == "message.completed"]
        assert events[-1] == (None, "message.completed", message)
        assert message["message"] == (await said(admin, conversation_id))[-1]
        assert message["message"]["content"] == "Good morning!"
        deltas = [(id, data) for id, kind, data in events if kind == "step.delta"]
        assert "".join(data["delta"] for _, data in deltas) == "Good morning!"
        assert {id for id, _ in deltas} == {None}
        (model,) = {data["step"]["id"] for _, data in deltas}
        run = (await admin.get(f"/runs/{message['run_id']}")).json()
        assert [step["id"] for step in run["steps"] if step["kind"] == "model"] == [model]
        numbered = [int(id) for id, _, _ in events if id]
        assert numbered == list(range(1, len(numbered) + 1))

    async def test_a_quick_answer_too_is_said_after_its_step_has_begun(self, api: Api) -> None:
        admin = await api.admin()
        events = told(await send(admin, await begun(admin), "hello", headers=STREAM))
        place = [kind for _, kind, _ in events].index("step.delta")
        speaking = events[place][2]["step"]["id"]
        assert events[0][1] == "run.started"
        assert events[place - 1][1] == "step.started"
        assert events[place - 1][2]["step"]["id"] == speaking

    async def test_without_an_answer_the_error_comes_last(self, api: Api) -> None:
        admin = await api.admin()
        conversation_id = await begun(admin, model="echo:script")
        failing = script({"error": {"status": 401, "message": "who are you?"}})
        plain = (await send(admin, conversation_id, failing)).json()["error"]
        events = told(await send(admin, conversation_id, failing, headers=STREAM))
        _, kind, data = events[-1]
        assert kind == "message.failed"
        assert data["error"]["details"].pop("run_id") == data["run_id"]
        del plain["details"]["run_id"]
        assert data["error"] == plain

    async def test_what_is_wrong_is_refused_as_ever(self, api: Api) -> None:
        admin = await api.admin()
        conversation_id = await begun(admin)
        assert (await send(admin, "nothing", "x", headers=STREAM)).status_code == 404
        assert (await send(admin, conversation_id, "", headers=STREAM)).status_code == 422

    async def test_the_same_request_again_is_told_of_the_same_run(self, api: Api) -> None:
        admin = await api.admin()
        conversation_id = await begun(admin)
        key = {"Idempotency-Key": "one"}
        first, again = [
            told(await send(admin, conversation_id, "hello", headers={**STREAM, **key}))
            for _ in range(2)
        ]
        assert again == [each for each in first if each[1] != "step.delta"]
        plain = await send(admin, conversation_id, "hello", headers=key)
        assert (plain.status_code, plain.json()) == (201, again[-1][2]["message"])
        assert len(await said(admin, conversation_id)) == 2


class TestMemory:
    """What of a conversation the model is told again."""

    @pytest.mark.parametrize(
        ("memory", "remembered"),
        [
            ({"type": "none"}, []),
            ({"type": "conversation"}, ["0", "0", "1", "1", "2", "2"]),
            ({"type": "window", "window": 3}, ["1", "2", "2"]),
        ],
    )
    async def test_the_kinds_of_memory_are_obeyed(self, memory: Any, remembered: list[str]) -> None:
        gateway = Asked()
        async with running(gateway=gateway) as api:
            admin = await api.admin()
            conversation_id = await begun(admin, memory=memory)
            for number in range(4):
                await send(admin, conversation_id, str(number))
        assert [each.content for each in gateway.last.messages] == [*remembered, "3"]
        assert len(gateway.requests) == 4

    async def test_what_is_older_than_the_window_is_summed_up(self) -> None:
        gateway = Asked()
        async with running(gateway=gateway) as api:
            admin = await api.admin()
            memory = {"type": "summary", "window": 2}
            conversation_id = await begun(admin, memory=memory)
            for number in range(3):
                await send(admin, conversation_id, str(number))
        system, *rest = gateway.last.messages
        assert [each.content for each in rest] == ["1", "1", "2"]
        assert system.role is ChatRole.SYSTEM and "user: 0" in system.content
        # The first two answers, the third's summary and the third.
        assert len(gateway.requests) == 4

    async def test_a_summary_goes_on_from_the_last_one(self) -> None:
        gateway = Asked()
        async with running(gateway=gateway) as api:
            admin = await api.admin()
            memory = {"type": "summary", "window": 2}
            conversation_id = await begun(admin, memory=memory)
            for number in range(5):
                await send(admin, conversation_id, f"<{number}>")
        *_, summed_up, answered = gateway.requests
        _, told = summed_up.messages
        # The models of the test give back what they are told last.
        assert told.content.startswith("system: Before that: system: Before that: user: <0>")
        assert told.content.endswith("user: <2>\n\nassistant: <2>")
        assert told.content.count("<1>") == told.content.count("<0>") == 2
        system, *rest = answered.messages
        assert [each.content for each in rest] == ["<3>", "<3>", "<4>"]
        assert system.content == f"Before that: {told.content}"

    async def test_a_summary_is_kept_for_who_remembers_more_later(self) -> None:
        gateway = Asked()
        async with running(gateway=gateway) as api:
            admin = await api.admin()
            agent = await admin.agent(
                await admin.project(), model="echo:echo", memory={"type": "summary", "window": 2}
            )
            conversation_id = await admin.conversation(agent["id"])
            for number in range(3):
                await send(admin, conversation_id, str(number))
            wider = {"memory": {"type": "summary", "window": 20}}
            await admin.put(f"/agents/{agent['id']}", json=wider)
            await send(admin, conversation_id, "3")
        assert len(gateway.requests) == 5
        system, *rest = gateway.last.messages
        assert system.content == "Before that: user: 0\n\nassistant: 0"
        assert [each.content for each in rest] == ["1", "1", "2", "2", "3"]

    async def test_personal_data_is_not_summed_up(self) -> None:
        gateway = Asked()
        async with running(gateway=gateway) as api:
            admin = await api.admin()
            memory = {"type": "summary", "window": 1}
            guardrails = {"redact_pii": ["email"]}
            conversation_id = await begun(admin, memory=memory, guardrails=guardrails)
            await send(admin, conversation_id, "I am ada@example.org")
            await send(admin, conversation_id, "who am I?")
        assert len(gateway.requests) == 3
        assert all(
            "ada@" not in each.content for asked in gateway.requests for each in asked.messages
        )
        assert "user: I am [EMAIL]" in gateway.requests[1].messages[1].content

    @pytest.mark.parametrize("memory", [{"type": "conversation"}, {"type": "summary", "window": 1}])
    async def test_what_guardrails_refuse_reaches_no_model_later(self, memory: Any) -> None:
        gateway = Asked()
        async with running(gateway=gateway) as api:
            admin = await api.admin()
            guardrails = {"blocked_patterns": ["bomb"]}
            conversation_id = await begun(admin, memory=memory, guardrails=guardrails)
            assert (await send(admin, conversation_id, "a bomb")).status_code == 422
            for word in ("one", "two"):
                assert (await send(admin, conversation_id, word)).status_code == 201
        told = [each.content for asked in gateway.requests for each in asked.messages]
        assert "one" in told and not any("bomb" in each for each in told)

    async def test_what_was_not_answered_is_remembered_too(self) -> None:
        gateway = Asked()
        gateway.trouble.append(ModelError("MODEL_KEY_REFUSED", "no"))
        async with running(gateway=gateway) as api:
            admin = await api.admin()
            conversation_id = await begun(admin)
            assert (await send(admin, conversation_id, "one")).status_code == 503
            assert (await send(admin, conversation_id, "two")).status_code == 201
        assert [each.content for each in gateway.last.messages] == ["one", "two"]

    async def test_a_script_is_that_of_its_message(self, api: Api) -> None:
        admin = await api.admin()
        conversation_id = await begun(admin, model="echo:script", tools=[CALCULATOR])
        played = script(calls(("calculator", {"expression": "1"})), says("{{tool_result}}"))
        answers = [
            (await send(admin, conversation_id, content)).json()["content"]
            for content in (played, "hello", script(says("Good bye")))
        ]
        assert answers == ["1", "hello", "Good bye"]

    async def test_conversations_know_nothing_of_each_other(self) -> None:
        gateway = Asked()
        async with running(gateway=gateway) as api:
            admin = await api.admin()
            agent = await admin.agent(await admin.project(), model="echo:echo")
            for word in ("one", "two"):
                await send(admin, await admin.conversation(agent["id"]), word)
        assert [each.content for each in gateway.last.messages] == ["two"]
