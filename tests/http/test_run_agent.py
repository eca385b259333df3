"""Running agents over HTTP: starting, waiting, the trace, retries, and what becomes of them."""

import asyncio
import json
from typing import Any

import pytest

from orbiter.adapters.memory.storage import MemoryStorage
from orbiter.adapters.system.ids import new_id
from orbiter.domain.builtin_tools import BUILTIN_TOOLS
from orbiter.domain.tools import ToolKind
from support.agents import calls, says, script
from support.api import Api, Caller, edge, node, running
from support.builders import a_project, a_tool
from support.speaker import Speaker

CALCULATOR = next(tool.id for tool in BUILTIN_TOOLS.values() if tool.name == "calculator")
SCRIPT = script(calls(("calculator", {"expression": "6 * 7"})), says("It is {{tool_result}}"))
SLOW = script(says("late", delay_ms=600_000))


@pytest.fixture
async def admin(api: Api) -> Caller:
    return await api.admin()


async def an_agent(caller: Caller, **more: Any) -> dict[str, Any]:
    return await caller.agent(await caller.project(), **{"tools": [CALCULATOR], **more})


async def ran(caller: Caller, agent: dict[str, Any], **body: Any) -> dict[str, Any]:
    """Return the ended run of an agent."""
    path = f"/agents/{agent['id']}/run?wait=20"
    answer = await caller.post(path, {"input": SCRIPT, **body})
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = (await caller.get(f"/runs/{answer.json()['id']}")).json()
    return shown


def wrong(answer: Any) -> dict[str, str]:
    """Return the wrong fields of a refused body."""
    assert answer.status_code == 422, answer.text
    fields = answer.json()["error"]["details"]["fields"]
    return {each["field"]: each["type"] for each in fields}


async def test_a_run_waited_for_is_ended_and_tells_every_call(admin: Caller) -> None:
    agent = await an_agent(admin)
    run = await ran(admin, agent, context={"customer": "Ada"})
    assert (run["kind"], run["agent_id"], run["workflow_id"]) == ("agent", agent["id"], None)
    assert (run["status"], run["trigger"], run["version"]) == ("completed", "manual", 1)
    assert "42" in run["output"] and run["output"].startswith("It is ")
    assert run["inputs"] == {"input": SCRIPT, "context": {"customer": "Ada"}}
    assert [(step["kind"], step["name"]) for step in run["steps"]] == [
        ("node", "Desk"),
        ("model", "echo:script"),
        ("tool", "calculator"),
        ("model", "echo:script"),
    ]
    top, *others = run["steps"]
    assert {step["parent_step_id"] for step in others} == {top["id"]}
    assert top["usage"] == run["usage"] and run["usage"]["total_tokens"] > 0
    assert top["cost_usd"] == run["cost_usd"] == 0
    first = others[0]
    assert (first["model"], first["input"]["tools"]) == ("echo:script", ["calculator"])
    assert '{"customer": "Ada"}' in first["input"]["messages"][0]["content"]
    assert all(step["duration_ms"] is not None for step in run["steps"])


async def test_a_run_not_waited_for_is_accepted(admin: Caller) -> None:
    agent = await an_agent(admin)
    path = f"/agents/{agent['id']}/run"
    started = await admin.post(path, {"input": SLOW})
    assert started.status_code == 202
    assert started.headers["location"] == f"/api/v1/runs/{started.json()['id']}"
    late = await admin.post(path, {"input": SLOW}, headers={"Prefer": "wait=1"})
    assert (late.status_code, late.headers["preference-applied"]) == (202, "wait=1")
    cancelled = await admin.post(f"/runs/{late.json()['id']}/cancel")
    assert cancelled.status_code == 202
    for _ in range(100):
        shown = (await admin.get(f"/runs/{late.json()['id']}")).json()
        if all(step["status"] == "failed" for step in shown["steps"]):
            break
        await asyncio.sleep(0.01)
    assert shown["status"] == "cancelled"
    assert {step["error"]["code"] for step in shown["steps"]} == {"CANCELLED"}


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"input": "missing"}),
        ({"input": ""}, {"input": "string_too_short"}),
        ({"input": None}, {"input": "string_type"}),
        ({"input": "x", "context": "y"}, {"context": "dict_type"}),
        ({"input": "x", "version": 7}, {"version": "value_error"}),
        (
            {"version": 0, "tools": [], "context": []},
            {
                "input": "missing",
                "version": "greater_than_equal",
                "context": "dict_type",
                "tools": "extra_forbidden",
            },
        ),
    ],
)
async def test_what_can_not_be_asked_is_refused(
    admin: Caller, body: dict[str, Any], fields: dict[str, str]
) -> None:
    agent = await an_agent(admin)
    assert wrong(await admin.post(f"/agents/{agent['id']}/run", body)) == fields
    assert (await admin.get("/runs")).json()["pagination"]["total"] == 0


@pytest.mark.parametrize("asked", [0, False, [], {}, [1, "a"], {"order": 4711}, 1.5])
async def test_anything_else_may_be_asked(admin: Caller, asked: Any) -> None:
    agent = await an_agent(admin, model="echo:echo")
    assert (await ran(admin, agent, input=asked))["output"] == json.dumps(asked)


async def test_an_older_version_may_be_run(admin: Caller) -> None:
    agent = await an_agent(admin, model="echo:echo", output_schema={"type": "object"})
    await admin.put(f"/agents/{agent['id']}", {"output_schema": None, "name": "Table"})
    assert (await ran(admin, agent, input='{"a": 1}'))["output"] == '{"a": 1}'
    old = await ran(admin, agent, input='{"a": 1}', version=1)
    assert (old["output"], old["version"], old["steps"][0]["name"]) == ({"a": 1}, 1, "Desk")


async def test_an_archived_agent_is_not_run(admin: Caller) -> None:
    agent = await an_agent(admin)
    await admin.put(f"/agents/{agent['id']}", {"status": "archived"})
    refused = await admin.post(f"/agents/{agent['id']}/run", {"input": "x"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "CONFLICT")


async def test_a_failure_tells_its_code(admin: Caller) -> None:
    agent = await an_agent(admin, model="nobody:gpt")
    run = await ran(admin, agent)
    assert (run["status"], run["error"]["code"]) == ("failed", "PROVIDER_NOT_FOUND")
    assert [step["status"] for step in run["steps"]] == ["failed", "failed"]


async def test_a_repeated_request_starts_one_run(admin: Caller) -> None:
    agent = await an_agent(admin)
    path, headers = f"/agents/{agent['id']}/run?wait=20", {"Idempotency-Key": "once"}
    answers = [await admin.post(path, {"input": SCRIPT}, headers=headers) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    other = await admin.post(path, {"input": "other"}, headers=headers)
    assert other.status_code == 409
    assert (await admin.get("/runs")).json()["pagination"]["total"] == 1


async def test_whose_caller_is_gone_is_not_started_again_under_its_key() -> None:
    speaker = Speaker()
    async with running(gateway=speaker) as api:
        admin = await api.admin()
        agent = await an_agent(admin, model="echo:echo")
        path, headers = f"/agents/{agent['id']}/run?wait=20", {"Idempotency-Key": "once"}
        gone = asyncio.ensure_future(admin.post(path, {"input": "hello"}, headers=headers))
        await asyncio.wait_for(speaker.calling.wait(), 5)
        gone.cancel()
        await asyncio.wait([gone])
        again = asyncio.ensure_future(admin.post(path, {"input": "hello"}, headers=headers))
        speaker.say("good day")
        speaker.stop()
        answer = await again
        assert (answer.status_code, answer.json()["output"]) == (200, "good day")
        assert (await admin.get("/runs")).json()["pagination"]["total"] == 1


async def test_its_events_are_streamed(admin: Caller) -> None:
    agent = await an_agent(admin)
    path = f"/agents/{agent['id']}/run"
    headers = {"Accept": "text/event-stream"}
    answer = await admin.post(path, {"input": SCRIPT}, headers=headers)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/event-stream")
    events = [line[7:] for line in answer.text.splitlines() if line.startswith("event: ")]
    lasting = [each for each in events if each != "step.delta"]
    assert lasting[0] == "run.started" and lasting[-1] == "run.completed"
    assert lasting.count("step.completed") == 4


async def test_runs_are_found_by_agent_and_kind(admin: Caller) -> None:
    project = await admin.project()
    first = await admin.agent(project, model="echo:echo")
    second = await admin.agent(project, model="echo:echo")
    runs = [(await ran(admin, agent, input="x"))["id"] for agent in (first, second)]
    flow = await admin.workflow(project)
    other = (await admin.post(f"/workflows/{flow['id']}/run?wait=10", {})).json()["id"]
    for query, expected in (
        (f"agent_id={first['id']}", [runs[0]]),
        (f"agent_id={second['id']}&kind=agent", [runs[1]]),
        (f"agent_id={second['id']}&kind=workflow", []),
        ("kind=agent", [runs[1], runs[0]]),
        ("kind=workflow", [other]),
        (f"project_id={project}", [other, runs[1], runs[0]]),
    ):
        page = (await admin.get(f"/runs?{query}")).json()
        assert [each["id"] for each in page["data"]] == expected, query


async def test_runs_of_a_deleted_agent_stay(admin: Caller) -> None:
    agent = await an_agent(admin)
    run = await ran(admin, agent)
    assert (await admin.delete(f"/agents/{agent['id']}")).status_code == 204
    assert (await admin.get(f"/runs/{run['id']}")).json() == run
    for how in ("replay", "retry"):
        assert (await admin.post(f"/runs/{run['id']}/{how}")).status_code in (404, 409)


class TestAgain:
    async def test_a_retry_goes_on_after_the_last_call_that_worked(self, admin: Caller) -> None:
        agent = await an_agent(admin)
        usage = {"input_tokens": 10, "output_tokens": 1}
        text = script(
            calls(("calculator", {"expression": "1"}), usage=usage),
            {"error": {"status": 400, "message": "no"}},
        )
        failed = await ran(admin, agent, input=text)
        assert failed["error"]["code"] == "MODEL_REQUEST_REFUSED"
        assert failed["usage"]["total_tokens"] == 11
        started = await admin.post(f"/runs/{failed['id']}/retry")
        assert started.status_code == 202, started.text
        again = await _ended(admin, started.json()["id"])
        assert (again["source_run_id"], again["trigger"]) == (failed["id"], "replay")
        assert (again["kind"], again["agent_id"]) == ("agent", agent["id"])
        assert [step["reused"] for step in again["steps"]] == [False, True, True, False]
        assert again["usage"]["total_tokens"] == 0
        assert again["error"]["code"] == "MODEL_REQUEST_REFUSED"

    async def test_a_replay_asks_anew(self, admin: Caller) -> None:
        agent = await an_agent(admin, model="echo:echo")
        first = await ran(admin, agent, input="a")
        await admin.put(f"/agents/{agent['id']}", {"output_schema": {"type": "object"}})
        same = await _again(admin, first)
        other = await _again(admin, first, inputs={"input": "{}"}, version=2)
        assert (same["output"], same["version"]) == ("a", 1)
        assert (other["output"], other["version"]) == ({}, 2)
        whole = await _again(admin, first, from_node="agent")
        assert whole["output"] == "a"
        assert [step["reused"] for step in whole["steps"]] == [False, False]

    @pytest.mark.parametrize(
        ("body", "fields"),
        [
            ({"from_node": "start"}, {"from_node": "value_error"}),
            ({"version": 9}, {"version": "value_error"}),
            ({"inputs": {}}, {"inputs.input": "missing"}),
            (
                {"inputs": {"input": "", "more": 1, "context": 5}},
                {
                    "inputs.input": "string_too_short",
                    "inputs.more": "extra_forbidden",
                    "inputs.context": "dict_type",
                },
            ),
        ],
    )
    async def test_what_can_not_be_replayed_is_refused(
        self, admin: Caller, body: dict[str, Any], fields: dict[str, str]
    ) -> None:
        first = await ran(admin, await an_agent(admin))
        assert wrong(await admin.post(f"/runs/{first['id']}/replay", body)) == fields


class TestInWorkflows:
    async def test_an_agent_uses_a_workflow_and_a_workflow_an_agent(
        self, api: Api, admin: Caller
    ) -> None:
        project, workspace = await admin.project(), admin.user["workspace_id"]
        flow = await admin.workflow(project)
        tool = a_tool(
            a_project(workspace, id=project),
            name="greet",
            kind=ToolKind.WORKFLOW,
            config={"workflow_id": flow["id"]},
        )
        async with api.container.storage().open(workspace) as uow:
            await uow.tools.add(tool)
        agent = await admin.agent(project, tools=[tool.id])
        text = script(calls(("greet", {"name": "Ada"})), says("{{tool_result}}!"))
        canvas = {
            "nodes": [
                node("start", "start"),
                node("ask", "agent", {"agent_id": agent["id"], "input": "{{ inputs.text }}"}),
                node("end", "end"),
            ],
            "edges": [edge("start", "ask"), edge("ask", "end")],
        }
        outer = await admin.workflow(project, canvas)
        path = f"/workflows/{outer['id']}/run?wait=20"
        run = (await admin.post(path, {"inputs": {"text": text}})).json()
        assert (run["error"], run["output"]) == (None, "Hello Ada!")
        page = (await admin.get(f"/runs?workflow_id={flow['id']}")).json()
        (child,) = page["data"]
        assert (child["parent_run_id"], child["trigger"]) == (run["id"], "parent")


class TestPipelines:
    async def test_an_agent_is_run_with_a_key(self, api: Api, admin: Caller) -> None:
        agent = await an_agent(admin)
        made = (await admin.post("/api-keys", {"name": "CI"})).json()
        key = api.caller(made["key"])
        body = {"agent_id": agent["id"], "inputs": {"input": SCRIPT}, "wait_seconds": 20}
        run = await key.post("/ci/run", body)
        assert (run.status_code, run.json()["trigger"]) == (200, "ci")
        assert "42" in (await key.get(f"/ci/runs/{run.json()['id']}")).json()["output"]
        assert (await key.post(f"/agents/{agent['id']}/run", {"input": "x"})).status_code == 403

    @pytest.mark.parametrize(
        ("body", "fields"),
        [
            ({}, {"workflow_id": "missing"}),
            ({"agent_id": new_id()}, {"agent_id": "value_error"}),
            ({"workflow_id": new_id()}, {"workflow_id": "value_error"}),
            ({"workflow_id": "nonsense", "agent_id": "x"}, {"agent_id": "value_error"}),
            (
                {"agent_id": new_id(), "wait_seconds": 61},
                {"agent_id": "value_error", "wait_seconds": "less_than_equal"},
            ),
        ],
    )
    async def test_one_thing_that_there_is_is_run(
        self, admin: Caller, body: dict[str, Any], fields: dict[str, str]
    ) -> None:
        assert wrong(await admin.post("/ci/run", body)) == fields

    async def test_an_agent_needs_its_input(self, admin: Caller) -> None:
        agent = await an_agent(admin)
        refused = await admin.post("/ci/run", {"agent_id": agent["id"]})
        assert wrong(refused) == {"inputs.input": "missing"}


async def _again(caller: Caller, source: dict[str, Any], **body: Any) -> dict[str, Any]:
    started = await caller.post(f"/runs/{source['id']}/replay", body)
    assert started.status_code == 202, started.text
    return await _ended(caller, started.json()["id"])


async def _ended(caller: Caller, run_id: str) -> dict[str, Any]:
    async with asyncio.timeout(20):
        while True:
            shown: dict[str, Any] = (await caller.get(f"/runs/{run_id}")).json()
            if shown["finished_at"]:
                return shown
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    ("kind", "code"), [("agents", "AGENT_DELETED"), ("workflows", "WORKFLOW_DELETED")]
)
async def test_a_queued_run_of_what_was_deleted_ends_and_says_so(kind: str, code: str) -> None:
    storage = MemoryStorage()
    async with running(storage, execute=False) as accepting:
        admin = await accepting.admin()
        project = await admin.project()
        made = await (admin.agent(project) if kind == "agents" else admin.workflow(project))
        body = {"input": "x"} if kind == "agents" else {}
        run = await admin.post(f"/{kind}/{made['id']}/run", body)
        assert (run.status_code, run.json()["status"]) == (202, "queued")
        assert (await admin.delete(f"/{kind}/{made['id']}")).status_code == 204
    async with running(storage) as executing:
        caller = await executing.caller().sign_in(admin.user["email"])
        ended = await _ended(caller, run.json()["id"])
    assert (ended["status"], ended["error"]["code"]) == ("failed", code)
    assert ended["steps"] == []
