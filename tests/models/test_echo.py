"""Scripts: what is played, and what can't be."""

import json
from typing import Any, Final

import pytest

from orbiter.adapters.models.echo import EchoModels
from orbiter.application.ports.models import (
    ChatAnswer,
    ChatMessage,
    ChatRequest,
    ChatRole,
    Endpoint,
    ModelError,
    ToolCall,
)
from orbiter.domain.providers import ProviderType
from orbiter.domain.runs import Usage

ECHO: Final = Endpoint(provider_type=ProviderType.ECHO)


async def played(*entries: Any, results: tuple[str, ...] = ()) -> ChatAnswer:
    """Return what the first of the *entries* leads to, after tools gave *results*."""
    messages = [ChatMessage(role=ChatRole.USER, content=json.dumps({"script": entries}))]
    messages += [ChatMessage(role=ChatRole.TOOL, content=each) for each in results]
    return await EchoModels().chat(ECHO, ChatRequest(model="script", messages=messages))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Hello", "Hello"),
        (None, ""),
        (5, "5"),
        ({"n": "é"}, '{"n": "é"}'),
        ("\ud83d\ude00 \ud800", "\U0001f600 �"),
        ("{{tool_result}} and {{ tool_result }}", "2 and 2"),
    ],
)
async def test_a_text_is_said(text: Any, said: str) -> None:
    assert (await played({"text": text}, results=("1", "2"))).text == said


async def test_calls_are_made_as_they_are_written() -> None:
    answer = await played(
        {
            "tool_calls": [
                {"name": "a", "arguments": {"x": 1}},
                {"name": "b", "arguments": "no JSON", "id": "mine"},
                {"name": "c", "arguments": '{"y": 2}'},
                {"name": "d"},
                {"name": "e", "arguments": '"\\ud800"'},
            ]
        }
    )
    assert answer.tool_calls == (
        ToolCall(id="call_1_0", name="a", arguments={"x": 1}, text='{"x": 1}'),
        ToolCall(id="mine", name="b", arguments=None, text="no JSON"),
        ToolCall(id="call_1_2", name="c", arguments={"y": 2}, text='{"y": 2}'),
        ToolCall(id="call_1_3", name="d", arguments={}, text="{}"),
        ToolCall(id="call_1_4", name="e", arguments=None, text='"\\ud800"'),
    )


async def test_tokens_that_are_not_told_are_counted() -> None:
    usage = (await played({"text": "12345678", "usage": {"input_tokens": 7}})).usage
    assert usage == Usage(input_tokens=7, output_tokens=2)


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ({"txt": "x"}, "script.0.txt: Extra inputs are not permitted"),
        ({"tool_calls": "x"}, "script.0.tool_calls: Input should be a valid list"),
        ({"tool_calls": [{"arguments": {}}]}, "script.0.tool_calls.0.name: Field required"),
        ({"usage": {"input_tokens": -1}}, "script.0.usage.input_tokens: Input should be greater"),
        ({"delay_ms": "long"}, "script.0.delay_ms: Input should be a valid number"),
        ({"error": "down"}, "script.0.error: Input should be a valid dictionary"),
        ({"error": {"status": 200}}, "script.0.error.status: Input should be greater"),
        ("x", "script.0: Input should be a valid dictionary"),
    ],
)
async def test_what_can_not_be_played_is_told(entry: Any, told: str) -> None:
    with pytest.raises(ModelError, match=told) as failed:
        await played(entry)
    assert failed.value.code == "MODEL_REQUEST_REFUSED"


@pytest.mark.parametrize("text", ["Hello", '{"script": [', "[1]", '{"scripts": []}'])
async def test_what_is_no_script_is_echoed(text: str) -> None:
    message = ChatMessage(role=ChatRole.USER, content=text)
    request = ChatRequest(model="script", messages=[message])
    assert (await EchoModels().chat(ECHO, request)).text == text
