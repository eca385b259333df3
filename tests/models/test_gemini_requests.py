"""What chat models are asked in Gemini's wire format."""

import json
from typing import Any

import pytest

from orbiter.adapters.models.gemini_requests import chat_body
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
SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}}
UNSIGNED = "skip_thought_signature_validator"


def a_request(*messages: ChatMessage, **options: Any) -> ChatRequest:
    return ChatRequest(**({"model": "gemini-3-pro", "messages": messages or (HELLO,)} | options))


def body(*messages: ChatMessage, **options: Any) -> dict[str, Any]:
    return chat_body(a_request(*messages, **options))


def called(*names: str, kept: str = "") -> ChatMessage:
    calls = tuple(
        ToolCall(id=f"call_{at}", name=name, arguments={"a": 1}, kept="" if at else kept)
        for at, name in enumerate(names)
    )
    return ChatMessage(role=ChatRole.ASSISTANT, content="well", tool_calls=calls)


def result(call_id: str, text: str = "3") -> ChatMessage:
    return ChatMessage(role=ChatRole.TOOL, content=text, tool_call_id=call_id)


def test_a_conversation_with_tools_is_told_in_turns() -> None:
    said = body(
        BRIEF,
        HELLO,
        called("add", "look", kept="gemini:gemini-3-pro:c2ln"),
        result("call_0", "3"),
        result("call_1", "red"),
        ChatMessage(role=ChatRole.USER, content="and now?"),
        ChatMessage(role=ChatRole.ASSISTANT),
    )
    assert said["systemInstruction"] == {"parts": [{"text": "be brief"}]}
    first = {"functionCall": {"id": "call_0", "name": "add", "args": {"a": 1}}}
    second = {"functionCall": {"id": "call_1", "name": "look", "args": {"a": 1}}}
    results = [
        {"id": "call_0", "name": "add", "response": {"output": "3"}},
        {"id": "call_1", "name": "look", "response": {"output": "red"}},
    ]
    assert said["contents"] == [
        {"role": "user", "parts": [{"text": "hello"}]},
        {
            "role": "model",
            "parts": [{"text": "well"}, first | {"thoughtSignature": "c2ln"}, second],
        },
        {"role": "user", "parts": [{"functionResponse": each} for each in results]},
        {"role": "user", "parts": [{"text": "and now?"}]},
    ]


@pytest.mark.parametrize(
    ("model", "signature"),
    [
        ("gemini-3-pro", UNSIGNED),
        ("gemini-3.8-flash", UNSIGNED),
        ("gemini-4-argon", UNSIGNED),
        ("gemini-2.5-flash", None),
        ("models/gemini-2.0-flash", None),
    ],
)
def test_calls_that_another_model_made_are_passed(model: str, signature: str | None) -> None:
    for kept in ("", "gemini:gemini-3-flash:c2ln", '{"mark": "x", "blocks": []}'):
        said = body(HELLO, called("add", "look", kept=kept), result("call_0"), model=model)
        parts = [part for part in said["contents"][1]["parts"] if "functionCall" in part]
        assert [part.get("thoughtSignature") for part in parts] == [signature, None]


@pytest.mark.parametrize(
    ("options", "mode"),
    [
        ({}, {"mode": "AUTO"}),
        ({"tool_use": ToolUse.NONE}, {"mode": "NONE"}),
        ({"tool_use": ToolUse.REQUIRED}, {"mode": "ANY"}),
        ({"required_tool": "add"}, {"mode": "ANY", "allowedFunctionNames": ["add"]}),
    ],
)
def test_tools_are_offered(options: dict[str, Any], mode: dict[str, Any]) -> None:
    said = body(tools=[ADD], **options)
    declared = {"name": "add", "description": "Add numbers"}
    assert said["tools"] == [
        {"functionDeclarations": [declared | {"parametersJsonSchema": {"type": "object"}}]}
    ]
    assert said["toolConfig"] == {"functionCallingConfig": mode}
    assert set(body(**options)) == {"contents"}


def test_what_was_chosen_is_said() -> None:
    said = body(temperature=0, top_p=0.5, max_tokens=7)
    assert said["generationConfig"] == {"temperature": 0, "topP": 0.5, "maxOutputTokens": 7}


def test_a_schema_is_followed_unless_there_are_tools_to_call() -> None:
    assert body(output_schema=SCHEMA)["generationConfig"] == {
        "responseMimeType": "application/json",
        "responseJsonSchema": SCHEMA,
    }
    said = body(BRIEF, HELLO, output_schema=SCHEMA, tools=[ADD])
    assert "generationConfig" not in said
    told = said["systemInstruction"]["parts"][0]["text"]
    assert told.startswith("be brief\n\nAnswer with nothing but JSON")
    assert told.endswith(json.dumps(SCHEMA))
