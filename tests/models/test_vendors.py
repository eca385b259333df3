"""Vendors of every wire format, over real sockets: the same claims of them all."""

import asyncio
from typing import Any

import pytest

from orbiter.adapters.models.gateway import VendorModels
from orbiter.application.ports.models import (
    ChatAnswer,
    ChatMessage,
    ChatRequest,
    ChatRole,
    Endpoint,
    FinishReason,
    ModelError,
    OnText,
)
from orbiter.domain.runs import Usage
from support.outbound import Server, Talk, serving
from support.vendors.serving import a_gateway, event, in_turn, streaming, whole
from support.vendors.wires import KEY, Wire

ADD = ("add", {"a": 1, "b": 2})
LOOK = ("look", {"for": "Zoë"})
WAYS: list[OnText | None] = [None, lambda text: None]
whole_or_streamed = pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])


def a_request(text: str = "hello") -> ChatRequest:
    return ChatRequest(model="asked", messages=[ChatMessage(role=ChatRole.USER, content=text)])


async def answer_to(
    wire: Wire, talk: Talk, *, streamed: bool = False
) -> tuple[ChatAnswer, list[str]]:
    """Return what a vendor that talks like this answers, and the pieces of its text."""
    told: list[str] = []
    async with serving(talk) as server, a_gateway() as gateway:
        on_text = told.append if streamed else None
        return await gateway.chat(wire.at(server), a_request(), on_text), told


async def failure_of(wire: Wire, talk: Talk, *, streamed: bool = False) -> ModelError:
    async with serving(talk) as server, a_gateway() as gateway:
        with pytest.raises(ModelError) as failed:
            await gateway.chat(wire.at(server), a_request(), WAYS[streamed])
    return failed.value


# Answers


@whole_or_streamed
async def test_text_usage_and_the_models_own_name_come_back(wire: Wire, streamed: bool) -> None:
    answer, told = await answer_to(wire, wire.answering("so say we all"), streamed=streamed)
    assert answer == ChatAnswer(
        text="so say we all", usage=Usage(input_tokens=11, output_tokens=7), model=wire.model
    )
    assert told == (["so", " say", " we", " all"] if streamed else [])


@whole_or_streamed
async def test_parallel_tool_calls_come_back_with_their_arguments(
    wire: Wire, streamed: bool
) -> None:
    answer, _ = await answer_to(wire, wire.answering("well", [ADD, LOOK]), streamed=streamed)
    assert (answer.text, answer.finish_reason) == ("well", FinishReason.TOOL_CALLS)
    assert [(call.id, call.name, call.arguments) for call in answer.tool_calls] == [
        ("call_0", *ADD),
        ("call_1", *LOOK),
    ]


async def test_no_arguments_at_all_are_none(wire: Wire) -> None:
    for streamed in (False, True):
        answer, _ = await answer_to(wire, wire.answering("", [("now", {})]), streamed=streamed)
        assert answer.tool_calls[0].arguments == {}


async def test_a_stream_torn_into_single_bytes_is_the_same_answer(wire: Wire) -> None:
    line = "Zoë 😀 says\u2028so"
    escaped = map(event, wire.pieces(line, [ADD, LOOK]))
    events = [said.replace(b"\\u2028", "\u2028".encode()) for said in escaped]
    torn = await answer_to(wire, streaming(*events, pieces_of=1), streamed=True)
    assert torn == await answer_to(wire, streaming(*events), streamed=True)
    assert torn[0].text == line


async def test_each_piece_is_told_before_the_vendor_sends_the_next(wire: Wire) -> None:
    gate = asyncio.Event()

    def tell(text: str) -> None:
        told.append(text)
        gate.set()

    told: list[str] = []
    async with serving(streaming(wire.word, gate=gate)) as server, a_gateway() as gateway:
        answering = asyncio.ensure_future(gateway.chat(wire.at(server), a_request(), tell))
        async with asyncio.timeout(5):
            while not told:
                await asyncio.sleep(0)
        answering.cancel()
        await asyncio.gather(answering, return_exceptions=True)
    assert told == ["so "]


async def test_comments_amid_a_stream_are_not_heard(wire: Wire) -> None:
    events = [each for event in wire.pieces("yes") for each in (b": wait\n\n", event)]
    answer, told = await answer_to(wire, streaming(*events), streamed=True)
    assert answer.text == "".join(told) == "yes"


async def test_a_server_that_does_not_stream_is_understood(wire: Wire) -> None:
    talk = whole(wire.completion("so say we all", [ADD]))
    assert await answer_to(wire, talk, streamed=True) == (
        (await answer_to(wire, talk))[0],
        ["so say we all"],
    )


# Requests


async def test_every_call_asks_once(wire: Wire) -> None:
    for status in (409, 429, 500):
        async with serving(wire.failing(status)) as server, a_gateway() as gateway:
            for on_text in WAYS:
                with pytest.raises(ModelError):
                    await gateway.chat(wire.at(server), a_request(), on_text)
        assert len(server.heard) == 2


@pytest.mark.parametrize("key", ["sk-1\nX-Other: 1", "schlüssel", "a b"])
async def test_a_key_that_no_header_can_carry_is_refused(wire: Wire, key: str) -> None:
    async with a_gateway() as gateway:
        with pytest.raises(ModelError) as failed:
            endpoint = Endpoint(provider_type=wire.provider_type, base_url="http://x/", api_key=key)
            await gateway.chat(endpoint, a_request())
    assert failed.value.code == "MODEL_KEY_REFUSED"


async def test_the_servers_own_environment_reaches_no_vendor(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    for vendor in ("OPENAI", "ANTHROPIC", "GEMINI", "GOOGLE"):
        for name in ("API_KEY", "ADMIN_KEY", "ORG_ID", "PROJECT_ID", "AUTH_TOKEN", "PROFILE"):
            monkeypatch.setenv(f"{vendor}_{name}", "the-servers-own")
        monkeypatch.setenv(f"{vendor}_CUSTOM_HEADERS", "X-Own: the-servers-own")
        monkeypatch.setenv(f"{vendor}_BASE_URL", "http://127.0.0.1:9/the-servers-own")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9/the-servers-own")
    async with serving(wire.answering()) as server, a_gateway() as gateway:
        keyless = Endpoint(provider_type=wire.provider_type, base_url=wire.at(server).base_url)
        for endpoint in (keyless, wire.at(server)):
            await gateway.chat(endpoint, a_request())
    assert len(server.heard) == 2
    assert "the-servers-own" not in str(server.heard)


async def test_one_connection_serves_one_call_after_the_other(wire: Wire) -> None:
    async with serving(wire.answering("a b c")) as server, a_gateway() as gateway:
        for on_text in WAYS * 3:
            await gateway.chat(wire.at(server), a_request(), on_text)
    assert (len(server.heard), server.connections) == (6, 1)


async def test_cookies_are_not_kept(wire: Wire) -> None:
    talk = whole(wire.completion(), headers={"set-cookie": "a=b; path=/"})
    async with serving(talk) as server, a_gateway() as gateway:
        for _ in range(2):
            await gateway.chat(wire.at(server), a_request())
    assert not any("cookie" in heard.headers for heard in server.heard)


async def test_models_are_sorted_and_bounded(wire: Wire) -> None:
    talk = in_turn(wire.offering("b", "a", "b"), wire.offering(*map(str, range(2000))))
    async with serving(talk) as server, a_gateway() as gateway:
        assert await gateway.models(wire.at(server)) == ["a", "b"]
        assert len(await gateway.models(wire.at(server))) == 500
    assert all(KEY in str(heard.headers) for heard in server.heard)


async def test_calls_at_once_do_not_mix(wire: Wire) -> None:
    async def ask(gateway: VendorModels, server: Server, number: int) -> str:
        asked = a_request(f"number{number}.")
        return (await gateway.chat(wire.at(server), asked, WAYS[number % 2])).text

    async def repeat(heard: Any, writer: Any) -> None:
        said = heard.body.decode().partition("number")[2].partition(".")[0]
        await wire.answering(said)(heard, writer)

    async with serving(repeat) as server, a_gateway() as gateway:
        answers = await asyncio.gather(*(ask(gateway, server, number) for number in range(50)))
    assert answers == list(map(str, range(50)))


# Failures


@pytest.mark.parametrize(
    ("status", "code", "passing", "elsewhere"),
    [
        (400, "MODEL_REQUEST_REFUSED", False, False),
        (401, "MODEL_KEY_REFUSED", False, True),
        (402, "MODEL_REQUEST_REFUSED", False, True),
        (403, "MODEL_KEY_REFUSED", False, True),
        (404, "MODEL_NOT_FOUND", False, False),
        (408, "MODEL_TIMEOUT", True, True),
        (413, "MODEL_REQUEST_REFUSED", False, False),
        (422, "MODEL_REQUEST_REFUSED", False, False),
        (429, "MODEL_RATE_LIMITED", True, True),
        (500, "MODEL_UNAVAILABLE", True, True),
        (503, "MODEL_UNAVAILABLE", True, True),
        (504, "MODEL_UNAVAILABLE", True, True),
        (529, "MODEL_UNAVAILABLE", True, True),
    ],
)
@whole_or_streamed
async def test_statuses(
    wire: Wire, status: int, code: str, passing: bool, elsewhere: bool, streamed: bool
) -> None:
    failure = await failure_of(wire, wire.failing(status, "no such luck"), streamed=streamed)
    assert (failure.code, failure.passing, failure.elsewhere) == (code, passing, elsewhere)
    assert "no such luck" in str(failure)


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "MODEL_REQUEST_REFUSED"),
        (429, "MODEL_RATE_LIMITED"),
        (503, "MODEL_UNAVAILABLE"),
        (529, "MODEL_UNAVAILABLE"),
    ],
)
async def test_an_error_amid_an_answer_is_an_error(wire: Wire, status: int, code: str) -> None:
    amid = streaming(wire.word, wire.error(status, "no such luck"))
    failure = await failure_of(wire, amid, streamed=True)
    assert failure.code == code
    assert "no such luck" in str(failure)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7),
        ({"retry-after-ms": "250", "retry-after": "7"}, 0.25),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "1e999"}, None),
        ({}, None),
    ],
)
async def test_a_vendor_says_when_to_come_again(
    wire: Wire, headers: dict[str, str], seconds: float | None
) -> None:
    assert (await failure_of(wire, wire.failing(429, headers=headers))).retry_after == seconds


@pytest.mark.parametrize(
    "message",
    [
        "This model's maximum context length is 8192 tokens.",
        "prompt is too long: 210000 tokens > 200000 maximum",
        "The input token count (1091639) exceeds the maximum number of tokens allowed (1048576).",
    ],
)
async def test_messages_that_are_too_long_are_told_as_such(wire: Wire, message: str) -> None:
    assert (await failure_of(wire, wire.failing(400, message))).code == "CONTEXT_LENGTH_EXCEEDED"


@pytest.mark.parametrize(
    "body",
    [
        {"object": "error", "message": "it is Tuesday"},
        {"error": "it is Tuesday"},
        {"detail": [{"loc": ["body"], "msg": "it is Tuesday"}]},
        [{"error": {"message": "it is Tuesday"}}],
        b"it is Tuesday",
    ],
)
async def test_errors_are_quoted_in_whatever_shape_they_come(wire: Wire, body: Any) -> None:
    assert str(await failure_of(wire, whole(body, status=422))).endswith(": it is Tuesday")


async def test_neither_key_nor_address_is_quoted(wire: Wire) -> None:
    said = f"{KEY} at https://inner.example/v1?key={KEY}, or {KEY[:12]}..., or sk-te****cdef"
    failure = await failure_of(wire, wire.failing(401, said + " no" * 1000))
    assert str(failure).startswith(
        "The vendor refuses the key: [key] at [address] or [key] or [key]"
    )
    assert len(str(failure)) < 600
    assert KEY[:8] not in str(failure)


async def test_a_page_of_html_is_not_quoted(wire: Wire) -> None:
    failure = await failure_of(wire, whole(b"<html>Bad Gateway</html>", status=502))
    assert str(failure) == "The vendor failed with status 502"


async def test_nobody_listening_is_told(wire: Wire) -> None:
    async with serving(wire.answering()) as server:
        pass
    async with a_gateway() as gateway:
        with pytest.raises(ModelError) as failed:
            await gateway.chat(wire.at(server), a_request())
    assert (failed.value.code, failed.value.passing) == ("MODEL_UNAVAILABLE", True)
    assert str(server.port) not in str(failed.value)
