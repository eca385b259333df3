"""What chat models are asked in OpenAI's wire format."""

from typing import Any

import pytest

from orbiter.adapters.models.openai_requests import chat_body, is_strict
from orbiter.application.ports.models import (
    ChatMessage,
    ChatRequest,
    ChatRole,
    ToolCall,
    ToolOffer,
    ToolUse,
)
from orbiter.domain.providers import ProviderType

ADD = ToolOffer(name="add", description="Add numbers", parameters={"type": "object"})
CLOSED = {
    "type": "object",
    "properties": {"a": {"type": "integer"}},
    "required": ["a"],
    "additionalProperties": False,
}


def body(
    provider_type: ProviderType = ProviderType.OPENAI, *, streamed: bool = False, **options: Any
) -> dict[str, Any]:
    chosen = {"model": "m", "messages": [ChatMessage(role=ChatRole.USER, content="hi")]} | options
    return chat_body(provider_type, ChatRequest(**chosen), streamed=streamed)


def test_a_conversation_with_tools_is_told_whole() -> None:
    call = ToolCall(id="call_1", name="add", arguments={"a": 1, "ö": "ü"})
    messages = [
        ChatMessage(role=ChatRole.SYSTEM, content="be brief"),
        ChatMessage(role=ChatRole.USER, content="add"),
        ChatMessage(role=ChatRole.ASSISTANT, tool_calls=(call,)),
        ChatMessage(role=ChatRole.TOOL, content="3", tool_call_id="call_1"),
    ]
    function = {"name": "add", "arguments": '{"a": 1, "ö": "ü"}'}
    assert body(messages=messages)["messages"] == [
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": "add"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "call_1", "type": "function", "function": function}],
        },
        {"role": "tool", "content": "3", "tool_call_id": "call_1"},
    ]


def test_what_was_not_chosen_is_not_said() -> None:
    assert set(body()) == {"model", "messages"}
    assert set(body(parallel_tool_calls=False, tool_use=ToolUse.REQUIRED)) == {"model", "messages"}


def test_what_was_chosen_is_said() -> None:
    made = body(temperature=0, top_p=0.5, max_tokens=7)
    assert (made["temperature"], made["top_p"]) == (0, 0.5)


@pytest.mark.parametrize("provider_type", list(ProviderType))
def test_the_limit_of_tokens_has_two_names(provider_type: ProviderType) -> None:
    newer = provider_type in (ProviderType.OPENAI, ProviderType.AZURE_OPENAI)
    made = body(provider_type, max_tokens=7)
    assert made.get("max_completion_tokens") == (7 if newer else None)
    assert made.get("max_tokens") == (None if newer else 7)


def test_tools_are_offered() -> None:
    function = {"name": "add", "description": "Add numbers", "parameters": {"type": "object"}}
    made = body(tools=[ADD])
    assert made["tools"] == [{"type": "function", "function": function}]
    assert "tool_choice" not in made and "parallel_tool_calls" not in made
    assert body(tools=[ADD], parallel_tool_calls=False)["parallel_tool_calls"] is False
    assert body(tools=[ADD], tool_use=ToolUse.REQUIRED)["tool_choice"] == "required"
    assert body(tools=[ADD], tool_use=ToolUse.NONE)["tool_choice"] == "none"
    assert body(tools=[ADD], required_tool="add")["tool_choice"] == {
        "type": "function",
        "function": {"name": "add"},
    }


def test_usage_is_asked_for_with_streams_except_where_it_comes_unasked() -> None:
    assert "stream_options" not in body()
    assert body(streamed=True)["stream_options"] == {"include_usage": True}
    made = body(ProviderType.MISTRAL, streamed=True)
    assert made["stream"] is True and "stream_options" not in made


def test_mistral_gets_ids_of_its_own_kind_that_still_fit_together() -> None:
    calls = tuple(ToolCall(id=each, name="add", arguments={}) for each in ("call_1", "abcDEF123"))
    messages = [
        ChatMessage(role=ChatRole.ASSISTANT, tool_calls=calls),
        *(ChatMessage(role=ChatRole.TOOL, tool_call_id=call.id) for call in calls),
    ]
    said = body(ProviderType.MISTRAL, messages=messages)["messages"]
    ids = [call["id"] for call in said[0]["tool_calls"]]
    assert ids == [message["tool_call_id"] for message in said[1:]]
    assert all(len(each) == 9 and each.isalnum() for each in ids) and ids[1] == "abcDEF123"


def test_arguments_that_were_unreadable_are_said_as_json() -> None:
    call = ToolCall(id="call_1", name="add", arguments=None, text='{"a": ')
    said = body(messages=[ChatMessage(role=ChatRole.ASSISTANT, tool_calls=(call,))])
    arguments = said["messages"][0]["tool_calls"][0]["function"]["arguments"]
    assert arguments == '{"unreadable": "{\\"a\\": "}'


def test_an_output_schema_is_followed_to_the_letter_if_it_can_be() -> None:
    made = body(output_schema=CLOSED)["response_format"]
    assert made == {
        "type": "json_schema",
        "json_schema": {"name": "answer", "schema": CLOSED, "strict": True},
    }
    loose = body(output_schema={"type": "object"})["response_format"]
    assert loose["json_schema"]["strict"] is False
    assert (
        body(output_schema={"type": "string"})["response_format"]["json_schema"]["strict"] is False
    )


@pytest.mark.parametrize(
    "schema",
    [
        CLOSED,
        {"type": "string", "enum": ["a"]},
        {"type": "array", "items": CLOSED},
        {"anyOf": [CLOSED, {"type": "null"}]},
        CLOSED | {"$defs": {"a": CLOSED}},
        CLOSED | {"type": ["object", "null"]},
        {"$ref": "#/$defs/a"},
    ],
)
def test_schemas_that_can_be_followed_to_the_letter(schema: Any) -> None:
    assert is_strict(schema)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object"},
        CLOSED | {"required": []},
        CLOSED | {"additionalProperties": True},
        CLOSED | {"properties": {"a": {"type": "object"}}},
        CLOSED | {"properties": []},
        CLOSED | {"oneOf": [CLOSED]},
        CLOSED | {"$defs": []},
        {"type": "array", "items": {"type": "object"}},
        {"type": "array", "items": [CLOSED]},
        {"anyOf": 5},
        {"properties": {"a": {}}},
        True,
    ],
)
def test_schemas_that_can_not(schema: Any) -> None:
    assert not is_strict(schema)
