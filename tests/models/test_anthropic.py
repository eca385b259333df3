"""Anthropic's wire format: what is special to it."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from orbiter.adapters.models.anthropic_requests import chat_body, is_sayable
from orbiter.application.ports.models import (
    ChatAnswer,
    ChatMessage,
    ChatRequest,
    ChatRole,
    FinishReason,
    ModelError,
    ToolCall,
    ToolOffer,
    ToolUse,
)
from orbiter.domain.runs import Usage
from support.outbound import Server, Talk, serving
from support.vendors import anthropic
from support.vendors.anthropic import begun, delta, ended, message, start, text_block, use, used
from support.vendors.serving import a_gateway, asked, in_turn, streaming, whole
from support.vendors.wires import ANTHROPIC, KEY

HELLO = ChatMessage(role=ChatRole.USER, content="hello")
BRIEF = ChatMessage(role=ChatRole.SYSTEM, content="be brief")
ADD = ToolOffer(name="add", description="Add numbers", parameters={"type": "object"})
THOUGHT = {"type": "thinking", "thinking": "hm", "signature": "c2ln"}
HIDDEN = {"type": "redacted_thinking", "data": "ZGF0YQ=="}


def a_request(*messages: ChatMessage, **options: Any) -> ChatRequest:
    return ChatRequest(model="claude-asked", messages=messages or (HELLO,), **options)


def body(*messages: ChatMessage, **options: Any) -> dict[str, Any]:
    return chat_body(a_request(*messages, **options), streamed=False)


def called(*names: str, text: str = "", kept: str = "") -> ChatMessage:
    calls = tuple(
        ToolCall(id=f"call_{at}", name=name, arguments={}, kept="" if at else kept)
        for at, name in enumerate(names)
    )
    return ChatMessage(role=ChatRole.ASSISTANT, content=text, tool_calls=calls)


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
    assert heard.headers["anthropic-version"] == "2026-10-21"
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


@pytest.mark.parametrize(("temperature", "said"), [(0, 0), (0.7, 0.7), (1, 1), (2, 1)])
def test_temperatures_end_at_one(temperature: float, said: float) -> None:
    assert body(temperature=temperature)["temperature"] == said


def test_a_conversation_with_tools_is_told_in_turns() -> None:
    said = body(
        BRIEF,
        HELLO,
        called("add", "look", text="well"),
        result("call_0", "3"),
        result("call_1", ""),
        ChatMessage(role=ChatRole.USER, content="and now?"),
        ChatMessage(role=ChatRole.SYSTEM, content="be kind"),
    )
    assert said["system"] == "be brief\n\nbe kind"
    assert said["messages"] == [
        {"role": "user", "content": [{"type": "text", "text": "hello"}]},
        {
            "role": "assistant",
            "content": [
                {"type": "text", "text": "well"},
                {"type": "tool_use", "id": "call_0", "name": "add", "input": {}},
                {"type": "tool_use", "id": "call_1", "name": "look", "input": {}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "call_0", "content": "3"},
                {"type": "tool_result", "tool_use_id": "call_1"},
                {"type": "text", "text": "and now?"},
            ],
        },
    ]


def test_what_says_nothing_is_left_out() -> None:
    silent = ChatMessage(role=ChatRole.ASSISTANT, content=" \n")
    said = body(ChatMessage(role=ChatRole.SYSTEM), HELLO, silent, HELLO)
    assert "system" not in said
    (turn,) = said["messages"]
    assert [block["text"] for block in turn["content"]] == ["hello", "hello"]


def test_arguments_that_were_unreadable_are_said_as_an_object() -> None:
    call = ToolCall(id="call_0", name="add", arguments=None, text='{"a": ')
    said = body(HELLO, ChatMessage(role=ChatRole.ASSISTANT, tool_calls=(call,)))
    assert said["messages"][1]["content"][0]["input"] == {"unreadable": '{"a": '}


@pytest.mark.parametrize(
    ("options", "choice"),
    [
        ({}, {"type": "auto"}),
        ({"tool_use": ToolUse.NONE, "parallel_tool_calls": False}, {"type": "none"}),
        ({"tool_use": ToolUse.REQUIRED}, {"type": "any"}),
        ({"required_tool": "add"}, {"type": "tool", "name": "add"}),
        ({"parallel_tool_calls": False}, {"type": "auto", "disable_parallel_tool_use": True}),
    ],
)
def test_tools_are_offered(options: dict[str, Any], choice: dict[str, Any]) -> None:
    said = body(tools=[ADD], **options)
    offered = {"name": "add", "description": "Add numbers", "input_schema": {"type": "object"}}
    assert said["tools"] == [offered]
    assert said["tool_choice"] == choice
    assert {"tools", "tool_choice"}.isdisjoint(body(**options))


# Schemas


CLOSED = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}


def test_a_schema_is_closed_and_its_bounds_are_hints() -> None:
    bound = CLOSED | {"properties": {"a": {"type": "integer", "minimum": 1}}, "$schema": "x"}
    said = body(BRIEF, HELLO, output_schema=bound)
    assert said["output_config"] == {
        "format": {
            "type": "json_schema",
            "schema": {
                "type": "object",
                "properties": {"a": {"type": "integer", "description": "{minimum: 1}"}},
                "additionalProperties": False,
                "required": ["a"],
            },
        }
    }
    assert said["system"] == "be brief"


def test_a_schema_that_is_not_sayable_is_an_instruction() -> None:
    schema = {"type": "object", "additionalProperties": {"type": "integer"}}
    said = body(BRIEF, HELLO, output_schema=schema)
    assert "output_config" not in said
    assert said["system"].startswith("be brief\n\nAnswer with nothing but JSON")
    assert said["system"].endswith(json.dumps(schema))


@pytest.mark.parametrize(
    "schema",
    [
        CLOSED,
        CLOSED | {"additionalProperties": True},
        {"type": "array", "items": CLOSED},
        {"anyOf": [CLOSED, {"type": "null"}]},
        {"enum": ["a", 1, None]},
        {"$ref": "#/$defs/a", "$defs": {"a": CLOSED}},
        {"type": "string", "enum": ["a"]},
    ],
)
def test_sayable_schemas(schema: dict[str, Any]) -> None:
    assert is_sayable(schema)
    assert "output_config" in body(output_schema=schema)


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"type": "object"},
        {"type": "object", "properties": {"a": True}},
        {"type": ["string", "null"]},
        {"type": "array", "items": {"type": "object"}},
        {"allOf": [CLOSED, CLOSED]},
        CLOSED | {"anyOf": [CLOSED]},
        CLOSED | {"patternProperties": {"b": CLOSED}},
        {"$ref": "#/definitions/a", "definitions": {"a": CLOSED}},
        {"$ref": "#"},
        {"enum": [{"a": 1}]},
        {"anyOf": 5},
        {"type": "object", "properties": []},
    ],
)
def test_schemas_that_are_not_sayable(schema: dict[str, Any]) -> None:
    assert "output_config" not in body(output_schema=schema)


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
        assert answer.cached_tokens == 16


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


@pytest.mark.parametrize("kept", ["gemini:gemini-3-pro:c2ln", "{}", '{"mark": "x", "blocks": 5}'])
def test_what_another_vendor_kept_is_not_sent(kept: str) -> None:
    said = body(HELLO, called("add", kept=kept))
    assert [block["type"] for block in said["messages"][1]["content"]] == ["tool_use"]


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
