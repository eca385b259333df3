"""What chat models are asked in Anthropic's wire format."""

import json
from typing import Any

import pytest

from orbiter.adapters.models.anthropic_requests import chat_body, is_sayable
from orbiter.application.ports.models import (
    ChatMessage,
    ChatRequest,
    ChatRole,
    ToolCall,
    ToolOffer,
    ToolUse,
)

HELLO = ChatMessage(role=ChatRole.USER, content="hello")
BRIEF = ChatMessage(role=ChatRole.SYSTEM, content="be brief")
ADD = ToolOffer(name="add", description="Add numbers", parameters={"type": "object"})


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


@pytest.mark.parametrize("kept", ["gemini:gemini-3-pro:c2ln", "{}", '{"mark": "x", "blocks": 5}'])
def test_what_another_vendor_kept_is_not_sent(kept: str) -> None:
    said = body(HELLO, called("add", kept=kept))
    assert [block["type"] for block in said["messages"][1]["content"]] == ["tool_use"]
