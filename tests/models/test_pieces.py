"""However an answer is torn, it is the same answer."""

import json
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from orbiter.adapters.models import anthropic_answers, gemini_answers
from orbiter.adapters.models.openai_answers import Answering, Completion
from orbiter.adapters.models.pieces import CallPieces, Speech, tool_call, tool_calls
from orbiter.application.ports.models import ChatAnswer
from support.vendors import anthropic, gemini, openai
from support.vendors.serving import Event

TEXTS = st.text(st.characters(codec="utf-8"), max_size=30)
ARGUMENTS = st.dictionaries(TEXTS, st.integers(-(2**53), 2**53) | TEXTS | st.booleans(), max_size=4)
CALLS = st.lists(st.tuples(st.text("abc_", min_size=1, max_size=5), ARGUMENTS), max_size=4)


def put_together(*events: Event) -> Any:
    told: list[str] = []
    answering = Answering(told.append)
    for event in events:
        if event != openai.DONE:
            answering.add(msgspec.convert(event, Completion))
    answer = answering.answer("m")
    assert "".join(told) == answer.text
    return answer


@given(TEXTS, CALLS)
def test_a_streamed_answer_is_what_the_whole_one_is(text: str, calls: Any) -> None:
    streamed = put_together(*openai.pieces(text, calls))
    assert streamed == put_together(openai.completion(text, calls))
    assert streamed.text == text
    assert [(call.name, call.arguments) for call in streamed.tool_calls] == calls


@given(TEXTS, CALLS)
def test_so_is_anthropics(text: str, calls: Any) -> None:
    whole, streamed = (anthropic_answers.Answering(None, "mark") for _ in range(2))
    said = anthropic.completion(text, calls)
    whole.add_whole(msgspec.convert(said, anthropic_answers.Message))
    for line in b"".join(anthropic.pieces(text, calls)).decode().splitlines():
        if line.startswith("data: "):
            event = json.loads(line.removeprefix("data: "))
            streamed.add(msgspec.convert(event, anthropic_answers.Event))
    assert told(whole.answer("m")) == told(streamed.answer("m")) == (text, calls)


@given(TEXTS, CALLS)
def test_so_is_geminis(text: str, calls: Any) -> None:
    whole, streamed = (gemini_answers.Answering(None, "m") for _ in range(2))
    whole.add(msgspec.convert(gemini.completion(text, calls), gemini_answers.Completion))
    for piece in gemini.pieces(text, calls):
        streamed.add(msgspec.convert(piece, gemini_answers.Completion))
    assert told(whole.answer()) == told(streamed.answer()) == (text, calls)


def told(answer: ChatAnswer) -> tuple[str, list[tuple[str, Any]]]:
    return answer.text, [(call.name, call.arguments) for call in answer.tool_calls]


@given(st.lists(st.none() | st.sampled_from("ab"), max_size=5))
def test_every_call_has_an_id_of_its_own(ids: list[str | None]) -> None:
    calls = tool_calls(CallPieces(call_id, "add") for call_id in ids)
    assert len({call.id for call in calls}) == len(ids)
    assert {each for each in ids if each} <= {call.id for call in calls}


@given(st.lists(st.text(max_size=5), max_size=10))
def test_what_is_told_can_be_encoded_and_adds_up(pieces: list[str]) -> None:
    told: list[str] = []
    speech = Speech(told.append)
    for piece in pieces:
        speech.say(piece)
    whole = speech.ended()
    assert whole == "".join(told)
    assert (
        whole.encode()
        == "".join(pieces)
        .encode("utf-16-le", "surrogatepass")
        .decode("utf-16-le", "replace")
        .encode()
    )


@given(st.text(max_size=40) | ARGUMENTS.map(json.dumps))
def test_whatever_a_model_writes_as_arguments_is_kept(text: str) -> None:
    call = tool_call(None, text, text)
    assert call.text.encode() and call.name.encode() or not text
    assert call.id.startswith("call_")
    assert call.arguments is None or isinstance(call.arguments, dict)
