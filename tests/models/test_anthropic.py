"""Anthropic's wire format: what is special to it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from orbiter.application.ports.models import (
    ChatAnswer,
    ChatMessage,
    ChatRequest,
    ChatRole,
    FinishReason,
    ModelError,
    ToolOffer,
)
from orbiter.domain.prices import Cached
from orbiter.domain.runs import Usage
from support.outbound import Server, Talk, serving
from support.vendors import anthropic
from support.vendors.anthropic import begun, delta, ended, message, start, text_block, use, used
from support.vendors.serving import a_gateway, asked, in_turn, streaming, whole
from support.vendors.wires import ANTHROPIC, KEY

HELLO = ChatMessage(role=ChatRole.USER, content="hello")
ADD = ToolOffer(name="add", description="Add numbers", parameters={"type": "object"})
THOUGHT = {"type": "thinking", "thinking": "hm", "signature": "c2ln"}
HIDDEN = {"type": "redacted_thinking", "data": "ZGF0YQ=="}


def a_request(*messages: ChatMessage, **options: Any) -> ChatRequest:
    return ChatRequest(model="claude-asked", messages=messages or (HELLO,), **options)


def result(call_id: str, text: str = "3") -> ChatMessage:
    return ChatMessage(role=ChatRole.TOOL, content=text, tool_call_id=call_id)


async def answer_to(talk: Talk, *, streamed: bool = False) -> tuple[ChatAnswer, list[str]]:
    told: list[str] = []
    async with serving(talk) as server, a_gateway() as gateway:
        on_text = told.append if streamed else None
        return await gateway.chat(ANTHROPIC.at(server), a_request(), on_text), told


async def heard_from(*requests: ChatRequest) -> Server:
    async with serving(anthropic.answering("yes")) as server, a_gateway() as gateway:
        for request in requests:
            await gateway.chat(ANTHROPIC.at(server), request)
    return server


# Requests


async def test_the_vendor_is_asked_with_its_key_and_version() -> None:
    (heard,) = (await heard_from(a_request())).heard
    assert (heard.method, heard.target) == ("POST", "/v1/messages")
    assert heard.headers["authorization"] == f"Bearer {KEY}"
    assert heard.headers["x-api-key"] == KEY
    assert heard.headers["anthropic-version"] >= "2026-10-21"
    assert asked(heard) == {
        "model": "claude-asked",
        "max_tokens": 8192,
        "messages": [{"role": "user", "content": [{"type": "text", "text": "hello"}]}],
    }


async def test_an_address_may_end_in_the_version_of_the_paths() -> None:
    async with serving(anthropic.answering()) as server, a_gateway() as gateway:
        for path in ("", "/v1", "/v1/"):
            endpoint = replace(ANTHROPIC.at(server), base_url=server.url(path))
            await gateway.chat(endpoint, a_request())
    assert {heard.target for heard in server.heard} == {"/v1/messages"}


async def test_a_chosen_temperature_is_asked_for_in_the_version_that_has_one() -> None:
    plain, warm, top = (
        await heard_from(a_request(), a_request(temperature=0.3, top_p=0.5), a_request(top_p=0.5))
    ).heard
    assert "temperature" not in asked(plain) and "top_p" not in asked(plain)
    assert asked(warm)["temperature"] == 0.3 and "top_p" not in asked(warm)
    assert asked(top)["top_p"] == 0.5
    assert {each.headers["anthropic-version"] for each in (warm, top)} == {"2023-06-01"}


# Answers


@pytest.mark.parametrize(
    ("stop", "reason"),
    [
        ("end_turn", FinishReason.STOP),
        ("stop_sequence", FinishReason.STOP),
        ("pause_turn", FinishReason.STOP),
        ("max_tokens", FinishReason.LENGTH),
        ("model_context_window_exceeded", FinishReason.LENGTH),
        ("refusal", FinishReason.REFUSAL),
        ("something_new", FinishReason.STOP),
    ],
)
async def test_stop_reasons(stop: str, reason: FinishReason) -> None:
    for streamed in (False, True):
        answer, _ = await answer_to(anthropic.answering("ok", finish=stop), streamed=streamed)
        assert (answer.finish_reason, answer.text) == (reason, "ok")


async def test_a_silent_refusal_is_explained() -> None:
    why = {"type": "refusal", "category": "bio", "explanation": "I won't"}
    refused, _ = await answer_to(whole(message(stop="refusal", stop_details=why)))
    talk = streaming(begun(), ended("refusal", stop_details=why))
    streamed, told = await answer_to(talk, streamed=True)
    assert refused.text == streamed.text == "".join(told) == "I won't"
    assert refused.finish_reason is streamed.finish_reason is FinishReason.REFUSAL


async def test_all_input_is_counted_and_what_came_from_the_cache_told() -> None:
    counts = used(5, 1, cache_read_input_tokens=16, cache_creation_input_tokens=4)
    answers = [
        await answer_to(whole(message(usage=counts | {"output_tokens": 7}))),
        await answer_to(
            streaming(begun(counts), ended(usage={"output_tokens": 7, "input_tokens": None})),
            streamed=True,
        ),
    ]
    for answer, _ in answers:
        assert answer.usage == Usage(input_tokens=25, output_tokens=7)
        assert answer.cached == Cached(read=16, written=4)


async def test_arguments_that_break_off_are_told_as_written() -> None:
    talk = anthropic.answering("", [("add", '{"a": 1')], finish="max_tokens")
    answer, _ = await answer_to(talk, streamed=True)
    (call,) = answer.tool_calls
    assert (call.arguments, call.text) == (None, '{"a": 1')
    assert answer.finish_reason is FinishReason.LENGTH


async def test_blocks_of_other_kinds_are_passed_over() -> None:
    other = {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {"q": 1}}
    answer, _ = await answer_to(whole(message(other, text_block("so"), other, text_block("!"))))
    assert (answer.text, answer.tool_calls) == ("so!", ())


async def test_events_of_other_kinds_are_passed_over() -> None:
    events = list(anthropic.pieces("so", [("add", {})]))
    talk = streaming(events[0], anthropic.event("something_new", index=9), *events[1:])
    answer, told = await answer_to(talk, streamed=True)
    assert (answer.text, told, len(answer.tool_calls)) == ("so", ["so"], 1)


# Thoughts


def thinking(*blocks: Any) -> list[Talk]:
    """Return the two ways to tell an answer of these blocks."""
    events = [begun()]
    for at, block in enumerate(blocks):
        bare = {"thinking": {"thinking": "", "signature": ""}, "text": {"text": ""}}
        events.append(start(at, block | bare.get(block["type"], {})))
        if block["type"] == "thinking":
            events.append(delta(at, "thinking_delta", thinking=block["thinking"]))
            events.append(delta(at, "signature_delta", signature=block["signature"]))
        elif block["type"] == "text":
            events.append(delta(at, "text_delta", text=block["text"]))
    return [whole(message(*blocks)), streaming(*events, ended("tool_use"))]


async def replayed(
    talk: Talk, *, streamed: bool = False, said: str | None = None, **changes: Any
) -> Sequence[Any]:
    """Return the blocks a vendor is reminded of, once the calls it asked for are made.

    *said* is what the assistant's text was changed to since, *changes* are those of the request.
    """
    request = a_request(tools=[ADD])
    async with serving(in_turn(talk, anthropic.answering())) as server, a_gateway() as gateway:
        on_text = (lambda text: None) if streamed else None
        answer = await gateway.chat(ANTHROPIC.at(server), request, on_text)
        text = answer.text if said is None else said
        told = ChatMessage(role=ChatRole.ASSISTANT, content=text, tool_calls=answer.tool_calls)
        results = [result(call.id) for call in answer.tool_calls]
        again = replace(request, messages=[HELLO, told, *results], **changes)
        await gateway.chat(ANTHROPIC.at(server), again)
    blocks = asked(server.heard[1])["messages"][-2]["content"]
    assert isinstance(blocks, list)
    return blocks


THOUGHTFUL = (
    THOUGHT,
    HIDDEN,
    {"type": "text", "text": "so"},
    use(0, "add", {}),
    THOUGHT,
    use(1, "add", {}),
)
THOUGHTLESS = [block for block in THOUGHTFUL if block["type"] in ("text", "tool_use")]


@pytest.mark.parametrize("way", [0, 1], ids=["whole", "streamed"])
async def test_thoughts_go_back_where_they_were(way: int) -> None:
    blocks = await replayed(thinking(*THOUGHTFUL)[way], streamed=bool(way))
    assert blocks == list(THOUGHTFUL)


@pytest.mark.parametrize(
    "changes",
    [{"tools": [replace(ADD, name="other")]}, {"model": "another"}, {"said": "[redacted]"}],
)
async def test_thoughts_stay_away_when_what_led_to_them_has_changed(
    changes: dict[str, Any],
) -> None:
    blocks = await replayed(thinking(*THOUGHTFUL)[0], **changes)
    said = {"type": "text", "text": changes.get("said", "so")}
    assert blocks == [said, *THOUGHTLESS[1:]]


async def test_nothing_is_kept_where_nothing_was_thought() -> None:
    answer, _ = await answer_to(anthropic.answering("so", [("add", {})]))
    assert answer.tool_calls[0].kept == ""


async def test_thoughts_are_not_told() -> None:
    answer, told = await answer_to(thinking(*THOUGHTFUL)[1], streamed=True)
    assert answer.text == "".join(told) == "so"


# Models and embeddings


async def test_models_that_are_retired_are_not_offered() -> None:
    rows = [{"id": "old", "lifecycle": "retired"}, {"id": "new", "lifecycle": "active"}]
    async with serving(whole({"data": rows})) as server, a_gateway() as gateway:
        assert await gateway.models(ANTHROPIC.at(server)) == ["new"]
    assert server.heard[0].target == "/v1/models?limit=1000"


async def test_texts_are_not_embedded() -> None:
    async with serving(whole({})) as server, a_gateway() as gateway:
        with pytest.raises(ModelError, match="embed") as failed:
            await gateway.embed(ANTHROPIC.at(server), "small", ["a"])
    assert (failed.value.code, server.heard) == ("MODEL_NOT_FOUND", [])
