"""OpenAI's wire format over real sockets: what is asked, and what answers become."""

from collections.abc import Sequence
from typing import Any

import pytest

from orbiter.application.ports.models import (
    ChatAnswer,
    ChatMessage,
    ChatRequest,
    ChatRole,
    Endpoint,
    FinishReason,
    ModelError,
    ToolCall,
)
from orbiter.domain.prices import Cached
from orbiter.domain.providers import ProviderType
from orbiter.domain.runs import Usage
from support.outbound import Server, Talk, serving
from support.vendors import openai
from support.vendors.serving import a_gateway, asked, event, streaming, whole

KEY = "sk-test-0123456789abcdef"
HELLO = ChatMessage(role=ChatRole.USER, content="hello")
ADD = ("add", {"a": 1, "b": 2})
LOOK = ("look", {"for": "Zoë"})
COMPATIBLES = sorted(
    set(ProviderType)
    - {
        ProviderType.ANTHROPIC,
        ProviderType.AZURE_OPENAI,
        ProviderType.ECHO,
        ProviderType.GEMINI,
    }
)


def at(
    server: Server, provider_type: ProviderType = ProviderType.OPENAI_COMPATIBLE, **options: Any
) -> Endpoint:
    chosen: dict[str, Any] = {
        "base_url": server.url("/v1"),
        "api_key": KEY,
        "timeout_seconds": 5,
    } | options
    return Endpoint(provider_type=provider_type, **chosen)


def a_request(**options: Any) -> ChatRequest:
    return ChatRequest(**({"model": "gpt-asked", "messages": [HELLO]} | options))


async def answer_to(
    talk: Talk, request: ChatRequest | None = None, *, streamed: bool = False
) -> tuple[ChatAnswer, list[str]]:
    """Return what a vendor that talks like this answers, and the pieces of its text."""
    told: list[str] = []
    async with serving(talk) as server, a_gateway() as gateway:
        on_text = told.append if streamed else None
        return await gateway.chat(at(server), request or a_request(), on_text), told


async def failure_of(talk: Talk, *, streamed: bool = False) -> ModelError:
    async with serving(talk) as server, a_gateway() as gateway:
        on_text = (lambda text: None) if streamed else None
        with pytest.raises(ModelError) as failed:
            await gateway.chat(at(server), a_request(), on_text)
    return failed.value


# Answers


async def test_halves_of_a_character_are_told_together() -> None:
    halves = [r'{"choices": [{"delta": {"content": "\ud83d"}}]}']
    halves += [r'{"choices": [{"delta": {"content": "\ude00!\udc00"}}]}']
    talk = streaming(*halves, openai.delta(finish="stop"), openai.DONE)
    answer, told = await answer_to(talk, streamed=True)
    assert (answer.text, told) == ("😀!\N{REPLACEMENT CHARACTER}", ["😀!\N{REPLACEMENT CHARACTER}"])


@pytest.mark.parametrize(
    ("finish", "reason"),
    [
        ("stop", FinishReason.STOP),
        ("length", FinishReason.LENGTH),
        ("model_length", FinishReason.LENGTH),
        ("content_filter", FinishReason.CONTENT_FILTER),
        ("eos", FinishReason.STOP),
    ],
)
@pytest.mark.parametrize("streamed", [False, True])
async def test_finish_reasons(finish: str, reason: FinishReason, streamed: bool) -> None:
    answer, _ = await answer_to(openai.answering("ok", finish=finish), streamed=streamed)
    assert answer.finish_reason is reason


async def test_calls_make_the_reason_whatever_the_server_says() -> None:
    answer, _ = await answer_to(openai.answering("", [ADD], finish="stop"))
    assert answer.finish_reason is FinishReason.TOOL_CALLS


async def test_a_refusals_words_are_the_text() -> None:
    said = openai.completion(None, refusal="I won't")
    refused, _ = await answer_to(whole(said))
    events = [openai.delta(refusal=word) for word in ("I", " won't")]
    talk = streaming(*events, openai.delta(finish="stop"), openai.DONE)
    streamed, told = await answer_to(talk, streamed=True)
    assert refused.text == streamed.text == "".join(told) == "I won't"
    assert refused.finish_reason is streamed.finish_reason is FinishReason.REFUSAL


async def test_usage_that_is_not_told_is_none() -> None:
    for streamed in (False, True):
        answer, _ = await answer_to(openai.answering(usage=None), streamed=streamed)
        assert answer.usage is None


async def test_tokens_read_from_the_vendors_cache_are_told() -> None:
    usage = openai.used(20, 5, prompt_tokens_details={"cached_tokens": 16})
    answer, _ = await answer_to(whole(openai.completion() | {"usage": usage}))
    assert answer.cached == Cached(read=16)
    assert answer.usage == Usage(input_tokens=20, output_tokens=5)


async def test_a_content_in_parts_is_its_text() -> None:
    parts = [{"type": "thinking", "thinking": [{"text": "hm"}]}, {"type": "text", "text": "yes"}]
    answer, _ = await answer_to(whole(openai.completion(None, content=parts)))
    assert answer.text == "yes"


async def test_of_several_answers_the_first_is_taken() -> None:
    pieces = [{"index": at, "delta": {"content": said}} for at, said in ((0, "a"), (1, "z"))]
    events: list[Any] = [{"choices": [piece]} for piece in pieces]
    answer, told = await answer_to(
        streaming(*events, openai.delta(finish="stop"), openai.DONE), streamed=True
    )
    assert (answer.text, told) == ("a", ["a"])


async def test_a_stream_is_one_by_any_other_name() -> None:
    body = b"".join(map(event, openai.pieces("so say we all")))
    answer, told = await answer_to(whole(body), streamed=True)
    assert (answer.text, told) == ("so say we all", ["so", " say", " we", " all"])


@pytest.mark.parametrize("arguments", ['{"a": 1', "[1]", "7", '{"a": NaN}', r'{"a": "\ud800"}'])
async def test_arguments_that_are_no_object_are_told_as_written(arguments: str) -> None:
    answer, _ = await answer_to(openai.answering("", [("add", arguments)]))
    assert answer.tool_calls == (ToolCall(id="call_0", name="add", arguments=None, text=arguments),)


async def test_deep_arguments_are_text_but_no_crash() -> None:
    deep = '{"a":' * 5000 + "1" + "}" * 5000
    answer, _ = await answer_to(openai.answering("", [("add", deep)]))
    assert answer.tool_calls[0].arguments is None
    assert answer.tool_calls[0].text == deep


async def test_a_server_of_little_care_is_understood() -> None:
    """Arguments as an object, ids that are missing or the same, no index, no reason."""
    calls: list[Any] = [{"function": {"name": "add", "arguments": {"a": 1}}} for _ in range(2)]
    calls += [{"id": "same", "function": {"name": "add", "arguments": "{}"}} for _ in range(2)]
    message = {"content": None, "tool_calls": calls}
    answer, _ = await answer_to(whole({"choices": [{"message": message}]}))
    assert [call.arguments for call in answer.tool_calls] == [{"a": 1}, {"a": 1}, {}, {}]
    assert len({call.id for call in answer.tool_calls}) == 4
    assert answer.model == "gpt-asked"


@pytest.mark.parametrize(
    "fragments",
    [
        # As OpenAI has it, one call amid the other.
        [(0, "a", "x", "{"), (1, "b", "y", "{"), (0, None, None, "}"), (1, None, None, "}")],
        # No index.
        [(None, "a", "x", "{"), (None, None, None, "}"), (None, "b", "y", "{}")],
        # No index, and the id each time.
        [(None, "a", "x", "{"), (None, "a", None, "}"), (None, "b", "y", "{}")],
        # Id and name each time.
        [(0, "a", "x", "{"), (0, "a", "x", "}"), (1, "b", "y", "{}")],
        # One index for all.
        [(0, "a", "x", "{}"), (0, "b", "y", "{"), (0, None, None, "}")],
    ],
)
async def test_fragments_of_calls_come_together(
    fragments: Sequence[tuple[int | None, str | None, str | None, str]],
) -> None:
    events = [
        openai.delta(
            tool_calls=[
                {"index": index, "id": name, "function": {"name": function, "arguments": text}}
            ]
        )
        for index, name, function, text in fragments
    ]
    talk = streaming(*events, openai.delta(finish="tool_calls"), openai.DONE)
    answer, _ = await answer_to(talk, streamed=True)
    told = [(call.id, call.name, call.arguments) for call in answer.tool_calls]
    assert told == [("a", "x", {}), ("b", "y", {})]


# Requests


@pytest.mark.parametrize("provider_type", COMPATIBLES)
async def test_every_compatible_server_is_asked_with_its_key(provider_type: ProviderType) -> None:
    async with serving(openai.answering("yes")) as server, a_gateway() as gateway:
        answer = await gateway.chat(at(server, provider_type), a_request())
    (heard,) = server.heard
    assert (heard.method, heard.target) == ("POST", "/v1/chat/completions")
    assert heard.headers["authorization"] == f"Bearer {KEY}"
    assert asked(heard) == {
        "model": "gpt-asked",
        "messages": [{"role": "user", "content": "hello"}],
    }
    assert answer.text == "yes"


async def test_azure_is_asked_at_the_models_deployment() -> None:
    for path in ("", "/", "/openai", "/openai/v1/"):
        async with serving(openai.answering("yes")) as server, a_gateway() as gateway:
            azure = at(server, ProviderType.AZURE_OPENAI, base_url=server.url(path))
            assert (await gateway.chat(azure, a_request(model="my model"))).text == "yes"
        (heard,) = server.heard
        target = "/openai/deployments/my%20model/chat/completions?api-version=2024-10-21"
        assert (heard.target, heard.headers["api-key"]) == (target, KEY)
        assert "authorization" not in heard.headers


async def test_ollama_needs_neither_key_nor_path() -> None:
    async with serving(openai.answering("yes")) as server, a_gateway() as gateway:
        ollama = at(server, ProviderType.OLLAMA, base_url=server.url(""), api_key=None)
        assert (await gateway.chat(ollama, a_request())).text == "yes"
    assert server.heard[0].target == "/v1/chat/completions"


@pytest.mark.parametrize("provider_type", [ProviderType.AZURE_OPENAI, "openai_compatible"])
async def test_nowhere_to_ask_is_an_error(provider_type: ProviderType) -> None:
    async with a_gateway() as gateway:
        with pytest.raises(ModelError, match="base_url") as failed:
            await gateway.chat(Endpoint(provider_type=ProviderType(provider_type)), a_request())
    assert failed.value.code == "MODEL_REQUEST_REFUSED"


async def test_the_servers_own_environment_reaches_no_vendor(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("API_KEY", "ADMIN_KEY", "ORG_ID", "PROJECT_ID"):
        monkeypatch.setenv(f"OPENAI_{name}", "the-servers-own")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Own: the-servers-own")
    monkeypatch.setenv("AZURE_OPENAI_AD_TOKEN", "the-servers-own")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9/the-servers-own")
    async with serving(openai.answering()) as server, a_gateway() as gateway:
        for provider_type in (ProviderType.OPENAI, ProviderType.AZURE_OPENAI):
            await gateway.chat(at(server, provider_type, api_key=None), a_request())
        await gateway.chat(at(server), a_request())
    assert len(server.heard) == 3
    assert "the-servers-own" not in str(server.heard)


# Embeddings and models


async def test_embeddings_are_in_the_order_of_their_texts() -> None:
    talk = openai.embedding([0.1, 0.2], [0.3, 0.4])
    async with serving(talk) as server, a_gateway() as gateway:
        answer = await gateway.embed(at(server), "small", ["a", "b"])
    assert answer.vectors == [[0.1, 0.2], [0.3, 0.4]]
    assert answer.usage == Usage(input_tokens=5)
    said = asked(server.heard[0])
    assert (said["model"], said["input"]) == ("small", ["a", "b"])


async def test_too_few_embeddings_are_no_answer() -> None:
    async with serving(openai.embedding([0.1])) as server, a_gateway() as gateway:
        with pytest.raises(ModelError) as failed:
            await gateway.embed(at(server), "small", ["a", "b"])
    assert failed.value.code == "MODEL_BAD_ANSWER"


# Failures


async def test_a_used_up_quota_does_not_pass() -> None:
    failure = await failure_of(openai.failing(429, code="insufficient_quota"))
    assert (failure.code, failure.passing, failure.elsewhere) == ("MODEL_RATE_LIMITED", False, True)


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("This is too much", "context_length_exceeded"),
        ("This model's maximum context length is 8192 tokens.", None),
        ("the request exceeds the available context size", None),
        ("Please reduce the length of the messages or completion.", None),
        ("input length and `max_tokens` exceed context limit: 199000 + 8192 > 200000", None),
    ],
)
async def test_messages_that_are_too_long_are_told_as_such(message: str, code: str | None) -> None:
    assert (await failure_of(openai.failing(400, message, code=code))).code == (
        "CONTEXT_LENGTH_EXCEEDED"
    )


async def test_what_a_filter_turns_away_is_told_as_such() -> None:
    failure = await failure_of(openai.failing(400, "not nice", code="content_filter"))
    assert (failure.code, failure.passing, failure.elsewhere) == ("CONTENT_FILTERED", False, False)
    assert "not nice" in failure.message


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ({"message": "overloaded", "code": 502}, "MODEL_UNAVAILABLE"),
        ({"message": "slow down", "code": "rate_limit_exceeded"}, "MODEL_RATE_LIMITED"),
        ({"message": "too long", "code": "context_length_exceeded"}, "CONTEXT_LENGTH_EXCEEDED"),
        ({"message": "what?", "type": "invalid_request_error"}, "MODEL_REQUEST_REFUSED"),
        ("it broke", "MODEL_UNAVAILABLE"),
    ],
)
async def test_an_error_in_an_answer_is_an_error(error: Any, code: str) -> None:
    amid = streaming(openai.delta(content="so "), {"error": error})
    assert (await failure_of(amid, streamed=True)).code == code
    assert (await failure_of(whole({"error": error}))).code == code
