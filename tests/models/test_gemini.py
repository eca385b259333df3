"""Gemini's wire format: what is special to it."""

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
)
from orbiter.domain.prices import Cached
from orbiter.domain.runs import Usage
from support.outbound import Talk, serving
from support.vendors import gemini
from support.vendors.gemini import call, piece, used
from support.vendors.serving import a_gateway, asked, in_turn, streaming, whole
from support.vendors.wires import GEMINI, KEY

HELLO = ChatMessage(role=ChatRole.USER, content="hello")


def a_request(*messages: ChatMessage, **options: Any) -> ChatRequest:
    return ChatRequest(**({"model": "gemini-3-pro", "messages": messages or (HELLO,)} | options))


def result(call_id: str, text: str = "3") -> ChatMessage:
    return ChatMessage(role=ChatRole.TOOL, content=text, tool_call_id=call_id)


async def answer_to(talk: Talk, *, streamed: bool = False) -> tuple[ChatAnswer, list[str]]:
    told: list[str] = []
    async with serving(talk) as server, a_gateway() as gateway:
        on_text = told.append if streamed else None
        return await gateway.chat(GEMINI.at(server), a_request(), on_text), told


async def failure_of(talk: Talk, *, streamed: bool = False) -> ModelError:
    with pytest.raises(ModelError) as failed:
        await answer_to(talk, streamed=streamed)
    return failed.value


# Requests


async def test_the_model_is_asked_at_its_path_with_its_key() -> None:
    async with serving(gemini.answering("yes")) as server, a_gateway() as gateway:
        for path in ("", "/v1beta", "/v1beta/"):
            endpoint = replace(GEMINI.at(server), base_url=server.url(path))
            await gateway.chat(endpoint, a_request())
        await gateway.chat(endpoint, a_request(model="models/a b/../c?d"), lambda text: None)
    plain, *_, odd = server.heard
    assert {heard.target for heard in server.heard[:3]} == {
        "/v1beta/models/gemini-3-pro:generateContent"
    }
    assert odd.target == "/v1beta/models/a%20b%2F..%2Fc%3Fd:streamGenerateContent?alt=sse"
    assert plain.headers["x-goog-api-key"] == KEY
    assert asked(plain) == {"contents": [{"role": "user", "parts": [{"text": "hello"}]}]}


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
async def test_signatures_go_back_with_their_calls(streamed: bool) -> None:
    signed = call("add", {"a": 1}, thoughtSignature="c2ln")
    stream = streaming(piece(signed), piece(finish="STOP"))
    talk = stream if streamed else whole(piece(signed, finish="STOP"))
    on_text = (lambda text: None) if streamed else None
    async with serving(in_turn(talk, gemini.answering())) as server, a_gateway() as gateway:
        answer = await gateway.chat(GEMINI.at(server), a_request(), on_text)
        said = ChatMessage(role=ChatRole.ASSISTANT, tool_calls=answer.tool_calls)
        again = a_request(HELLO, said, result(answer.tool_calls[0].id))
        await gateway.chat(GEMINI.at(server), again)
    (part,) = asked(server.heard[1])["contents"][1]["parts"]
    assert part["thoughtSignature"] == "c2ln"


# Answers


@pytest.mark.parametrize(
    ("finish", "reason"),
    [
        ("STOP", FinishReason.STOP),
        ("MAX_TOKENS", FinishReason.LENGTH),
        ("CONTINUATION", FinishReason.LENGTH),
        ("SAFETY", FinishReason.CONTENT_FILTER),
        ("RECITATION", FinishReason.CONTENT_FILTER),
        ("PROHIBITED_CONTENT", FinishReason.CONTENT_FILTER),
        ("SOMETHING_NEW", FinishReason.CONTENT_FILTER),
    ],
)
async def test_finish_reasons(finish: str, reason: FinishReason) -> None:
    for streamed in (False, True):
        answer, _ = await answer_to(gemini.answering("ok", finish=finish), streamed=streamed)
        assert (answer.finish_reason, answer.text) == (reason, "ok")


async def test_a_question_that_is_turned_away_is_filtered() -> None:
    said = {"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": used(4, 0)}
    for streamed in (False, True):
        answer, _ = await answer_to(streaming(said) if streamed else whole(said), streamed=streamed)
        assert (answer.finish_reason, answer.text) == (FinishReason.CONTENT_FILTER, "")
        assert answer.usage == Usage(input_tokens=4)


@pytest.mark.parametrize(
    ("finish", "code", "passing"),
    [
        ("MALFORMED_FUNCTION_CALL", "MODEL_UNAVAILABLE", True),
        ("OTHER", "MODEL_UNAVAILABLE", True),
        ("MISSING_THOUGHT_SIGNATURE", "MODEL_REQUEST_REFUSED", False),
    ],
)
async def test_answers_that_came_to_nothing(finish: str, code: str, passing: bool) -> None:
    for streamed in (False, True):
        failure = await failure_of(gemini.answering("", finish=finish), streamed=streamed)
        assert (failure.code, failure.passing) == (code, passing)


async def test_thoughts_are_paid_for_but_not_told() -> None:
    counts = used(20, 5, thoughtsTokenCount=30, cachedContentTokenCount=16)
    counts |= {"toolUsePromptTokenCount": 2}
    parts: list[dict[str, Any]] = [{"text": "hm", "thought": True}, {"text": "yes"}]
    talks = {
        False: whole(piece(*parts, finish="STOP", usageMetadata=counts)),
        True: streaming(
            piece(parts[0]), piece(parts[1]), piece(finish="STOP", usageMetadata=counts)
        ),
    }
    for streamed, talk in talks.items():
        answer, told = await answer_to(talk, streamed=streamed)
        assert (answer.text, told) == ("yes", ["yes"] if streamed else [])
        assert answer.usage == Usage(input_tokens=22, output_tokens=35)
        assert answer.cached == Cached(read=16)


async def test_calls_without_ids_get_some() -> None:
    answer, _ = await answer_to(whole(piece(call("add", {}), call("add", {}), finish="STOP")))
    first, second = answer.tool_calls
    assert first.id != second.id and first.id.startswith("call_")


async def test_halves_of_a_character_are_told_together() -> None:
    halves = [
        r'{"candidates": [{"content": {"parts": [{"text": "\ud83d"}]}}]}',
        r'{"candidates": [{"content": {"parts": [{"text": "\ude00"}]}, "finishReason": "STOP"}]}',
    ]
    answer, told = await answer_to(streaming(*halves), streamed=True)
    assert (answer.text, told) == ("😀", ["😀"])


# Failures


INVALID_KEY = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}


async def test_a_key_that_is_not_valid_is_a_key_that_is_refused() -> None:
    talk = gemini.failing(400, "API key not valid. Please pass a valid API key.", INVALID_KEY)
    failure = await failure_of(talk)
    assert (failure.code, failure.elsewhere) == ("MODEL_KEY_REFUSED", True)


@pytest.mark.parametrize(
    ("delay", "headers", "seconds"),
    [
        ("34.07s", {}, 34.07),
        ("34s", {"Retry-After": "5"}, 5),
        ("soon", {}, None),
        (5, {}, None),
    ],
)
async def test_the_vendor_says_in_the_body_when_to_come_again(
    delay: Any, headers: dict[str, str], seconds: float | None
) -> None:
    info = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay}
    failure = await failure_of(gemini.failing(429, "slow down", info, headers=headers))
    assert (failure.code, failure.retry_after) == ("MODEL_RATE_LIMITED", seconds)


@pytest.mark.parametrize("details", ["x", [5], {"a": 1}, None])
async def test_details_of_another_shape_do_not_matter(details: Any) -> None:
    said = {"error": {"code": 400, "message": "no such luck", "details": details}}
    assert (await failure_of(whole(said, status=400))).code == "MODEL_REQUEST_REFUSED"


async def test_an_answer_that_is_no_stream_where_one_was_asked_for_is_bad() -> None:
    page = whole(b"<html>", headers={"content-type": "text/html"})
    assert (await failure_of(page, streamed=True)).code == "MODEL_BAD_ANSWER"


async def test_pieces_may_come_as_a_list_instead_of_a_stream() -> None:
    answer, told = await answer_to(whole([*gemini.pieces("so say we all")]), streamed=True)
    assert (answer.text, told) == ("so say we all", ["so", " say", " we", " all"])


# Embeddings and models


async def test_texts_are_embedded_in_their_order() -> None:
    talk = gemini.embedding([0.1, 0.2], [0.3, 0.4])
    async with serving(talk) as server, a_gateway() as gateway:
        answer = await gateway.embed(GEMINI.at(server), "embedder", ["a", "b"])
    assert answer.vectors == [[0.1, 0.2], [0.3, 0.4]]
    (heard,) = server.heard
    assert heard.target == "/v1beta/models/embedder:batchEmbedContents"
    assert asked(heard)["requests"][1] == {
        "model": "models/embedder",
        "content": {"parts": [{"text": "b"}]},
    }


async def test_too_few_embeddings_are_no_answer() -> None:
    async with serving(gemini.embedding([0.1])) as server, a_gateway() as gateway:
        with pytest.raises(ModelError) as failed:
            await gateway.embed(GEMINI.at(server), "embedder", ["a", "b"])
    assert failed.value.code == "MODEL_BAD_ANSWER"


async def test_models_that_neither_chat_nor_embed_are_not_offered() -> None:
    rows = [
        {"name": "models/veo", "supportedGenerationMethods": ["predictLongRunning"]},
        {"name": "models/embedder", "supportedGenerationMethods": ["embedContent"]},
        {"name": "models/bare"},
    ]
    async with serving(whole({"models": rows})) as server, a_gateway() as gateway:
        assert await gateway.models(GEMINI.at(server)) == ["bare", "embedder"]
    assert server.heard[0].target == "/v1beta/models?pageSize=1000"


async def test_no_models_at_all_are_none() -> None:
    async with serving(whole({})) as server, a_gateway() as gateway:
        assert await gateway.models(GEMINI.at(server)) == []
