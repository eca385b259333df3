"""Vendors that are broken or mean harm end as an error, soon, and never as anything else."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import pytest

from orbiter.adapters.models.gateway import VendorModels
from orbiter.adapters.outbound.allowlist import EgressAllowlist
from orbiter.adapters.outbound.transport import guarded_client
from orbiter.application.ports.models import (
    ChatMessage,
    ChatRequest,
    ChatRole,
    Endpoint,
    ModelError,
    OnText,
)
from support.outbound import Names, Talk, redirecting, serving
from support.vendors import hostile
from support.vendors.serving import STREAM_HEAD, a_gateway, chunk, event, head, streaming, whole
from support.vendors.wires import ANTHROPIC, Wire

PATIENCE: Final = 5
OPEN: Final = EgressAllowlist.parse("127.0.0.1")
LIMIT: Final = 200_000
EVENTS: Final = "text/event-stream"
REQUEST: Final = ChatRequest(
    model="asked", messages=[ChatMessage(role=ChatRole.USER, content="hello")]
)
WAYS: Final[list[OnText | None]] = [None, lambda text: None]
Begun = Callable[[bytes], bytes]
whole_or_streamed = pytest.mark.parametrize("on_text", WAYS, ids=["whole", "streamed"])


async def failure_of(
    wire: Wire,
    talk: Talk,
    on_text: OnText | None = None,
    *,
    timeout_seconds: float = 5,
    max_answer_bytes: int = LIMIT,
) -> ModelError:
    """Return how a vendor that talks like this fails; by then it has been hung up on."""
    async with serving(talk) as server, a_gateway(max_answer_bytes=max_answer_bytes) as gateway:
        async with asyncio.timeout(PATIENCE):
            with pytest.raises(ModelError) as failed:
                await gateway.chat(wire.at(server, timeout_seconds), REQUEST, on_text)
            await server.gone.wait()
    return failed.value


# Too much


@whole_or_streamed
async def test_a_body_of_a_gigabyte_is_not_read(wire: Wire, on_text: OnText | None) -> None:
    sent: list[int] = []
    failure = await failure_of(wire, hostile.huge(sent=sent), on_text, max_answer_bytes=1_000_000)
    assert failure.code == "MODEL_BAD_ANSWER"
    # What the system keeps of a connection's bytes comes to a few millions.
    assert sum(sent) < 16_000_000


@whole_or_streamed
@pytest.mark.parametrize("content_type", ["application/json", "text/event-stream"])
async def test_a_bomb_is_not_unpacked(
    wire: Wire, on_text: OnText | None, content_type: str
) -> None:
    failure = await failure_of(wire, hostile.bomb(1 << 26, content_type), on_text)
    assert failure.code == "MODEL_BAD_ANSWER"


@pytest.mark.parametrize(
    "said", [None, b"\n", b": still there\n\n", b"event: any\ndata: {}\n\n", b"idle", b"x"]
)
async def test_a_stream_without_end_is_ended(wire: Wire, said: bytes | None) -> None:
    drop = wire.idle if said == b"idle" else said or wire.word
    failure = await failure_of(wire, hostile.endless(drop), WAYS[1])
    assert failure.code == "MODEL_BAD_ANSWER"


async def test_an_endless_stream_does_not_keep_others_waiting(wire: Wire) -> None:
    async with (
        serving(hostile.endless(wire.idle)) as busy,
        serving(wire.answering("yes")) as calm,
        a_gateway(max_answer_bytes=4_000_000) as gateway,
    ):
        kept_busy = asyncio.ensure_future(gateway.chat(wire.at(busy), REQUEST, WAYS[1]))
        async with asyncio.timeout(PATIENCE):
            for _ in range(10):
                assert (await gateway.chat(wire.at(calm), REQUEST)).text == "yes"
        assert not kept_busy.done()
        kept_busy.cancel()
        await asyncio.gather(kept_busy, return_exceptions=True)


async def test_a_long_line_is_read_if_it_is_an_answer(wire: Wire) -> None:
    long = "x" * 10_000_000
    async with serving(streaming(*wire.pieces(long))) as server, a_gateway() as gateway:
        assert (await gateway.chat(wire.at(server), REQUEST, WAYS[1])).text == long


# Too slow


@whole_or_streamed
@pytest.mark.parametrize(
    "begun",
    [
        lambda word: b"",
        lambda word: b"HTTP/1.1 200 OK\r\n",
        lambda word: STREAM_HEAD,
        lambda word: STREAM_HEAD + chunk(word),
    ],
)
async def test_silence_is_a_time_out(wire: Wire, on_text: OnText | None, begun: Begun) -> None:
    talk = hostile.hanging(begun(wire.word))
    failure = await failure_of(wire, talk, on_text, timeout_seconds=0.2)
    assert (failure.code, failure.passing, failure.elsewhere) == ("MODEL_TIMEOUT", True, True)
    assert "0.2 seconds" in str(failure)


async def test_drops_of_an_answer_do_not_lengthen_the_wait_for_the_whole(wire: Wire) -> None:
    begun = head(200, {"content-type": "application/json", "content-length": "100000"})
    failure = await failure_of(wire, hostile.dripping(begun, b" "), timeout_seconds=0.3)
    assert failure.code == "MODEL_TIMEOUT"


async def test_signs_of_life_keep_a_stream_going_but_not_for_ever(wire: Wire) -> None:
    talk = hostile.dripping(STREAM_HEAD, chunk(b": still there\n\n"))
    async with serving(talk) as server, a_gateway() as patient:
        kept = asyncio.ensure_future(patient.chat(wire.at(server, 0.4), REQUEST, WAYS[1]))
        hasty = VendorModels(lambda: guarded_client(OPEN), stream_seconds=0.8)
        with pytest.raises(ModelError) as failed:
            await hasty.chat(wire.at(server, 0.4), REQUEST, WAYS[1])
        assert not kept.done()
        kept.cancel()
        await asyncio.gather(kept, return_exceptions=True)
        await hasty.close()
    assert failed.value.code == "MODEL_TIMEOUT"


@whole_or_streamed
@pytest.mark.parametrize("begun", [lambda word: b"", lambda word: STREAM_HEAD + chunk(word)])
async def test_a_cancelled_call_hangs_up_at_once(
    wire: Wire, on_text: OnText | None, begun: Begun
) -> None:
    async with serving(hostile.hanging(begun(wire.word))) as server, a_gateway() as gateway:
        asking = asyncio.ensure_future(gateway.chat(wire.at(server, 60), REQUEST, on_text))
        async with asyncio.timeout(1 + PATIENCE):
            while not server.heard:
                await asyncio.sleep(0)
        asking.cancel()
        async with asyncio.timeout(1):
            await server.gone.wait()
        with pytest.raises(asyncio.CancelledError):
            await asking


# Not what the wire says


@whole_or_streamed
async def test_wrong_json_is_a_bad_answer(wire: Wire, on_text: OnText | None) -> None:
    async with a_gateway() as gateway:
        for body in wire.wrong:
            event = b"event: any\ndata: " + body + b"\n\n"
            talk = whole(body) if on_text is None else streaming(event)
            async with serving(talk) as server:
                with pytest.raises(ModelError) as failed:
                    await gateway.chat(wire.at(server), REQUEST, on_text)
            assert failed.value.code == "MODEL_BAD_ANSWER", body[:100]


@whole_or_streamed
async def test_bytes_that_do_not_decode_are_a_bad_answer(
    wire: Wire, on_text: OnText | None
) -> None:
    talk = whole(b"no gzip at all", headers={"content-encoding": "gzip"})
    async with serving(talk) as server, a_gateway() as gateway:
        with pytest.raises(ModelError) as failed:
            await gateway.chat(wire.at(server), REQUEST, on_text)
    assert failed.value.code == "MODEL_BAD_ANSWER"


async def test_a_zipped_answer_is_read(wire: Wire) -> None:
    async with serving(whole(wire.completion("ok"), zipped=True)) as server:
        async with a_gateway() as gateway:
            assert (await gateway.chat(wire.at(server), REQUEST)).text == "ok"


@whole_or_streamed
@pytest.mark.parametrize(
    "begun",
    [
        lambda word: b"",
        lambda word: b"HTTP/1.1 200",
        lambda word: b"no HTTP at all\r\n\r\n",
        lambda word: head(200, {"content-type": EVENTS, "content-length": "100"}) + b"{",
        lambda word: STREAM_HEAD + chunk(word),
        lambda word: STREAM_HEAD + b"ffff\r\n" + word,
        lambda word: STREAM_HEAD + b"zz\r\n",
        lambda word: STREAM_HEAD + chunk(word) + chunk(b""),
    ],
)
async def test_an_answer_that_breaks_off_may_come_another_time(
    wire: Wire, on_text: OnText | None, begun: Begun
) -> None:
    said = begun(wire.word)
    failure = await failure_of(wire, hostile.breaking_off(said), on_text)
    if failure.code == "MODEL_BAD_ANSWER":
        # A stream where none was asked for ended as it should.
        assert on_text is None and said.endswith(b"0\r\n\r\n")
    else:
        assert (failure.code, failure.passing) == ("MODEL_UNAVAILABLE", True)


async def test_a_connection_that_breaks_after_the_end_does_not_matter(wire: Wire) -> None:
    events = b"".join(map(event, wire.pieces("all said")))
    async with serving(hostile.breaking_off(STREAM_HEAD + chunk(events))) as server:
        async with a_gateway() as gateway:
            assert (await gateway.chat(wire.at(server), REQUEST, WAYS[1])).text == "all said"


# Elsewhere


@whole_or_streamed
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_no_redirect_is_followed(wire: Wire, on_text: OnText | None, status: int) -> None:
    async with serving(wire.answering("inner")) as inner:
        failure = await failure_of(wire, redirecting(inner.url(wire.path), status), on_text)
        assert failure.code == "MODEL_BAD_ANSWER"
        assert inner.connections == 0


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1"])
async def test_what_the_operator_has_not_opened_is_not_reached(wire: Wire, address: str) -> None:
    names = Names({"vendor.example": [[address]]})
    async with serving(wire.answering()) as server, a_gateway("", resolver=names) as gateway:
        for ask in asking(wire, wire.at(server, host="vendor.example")):
            with pytest.raises(ModelError) as refused:
                await ask(gateway)
            assert (refused.value.code, refused.value.passing) == ("EGRESS_DENIED", False)
            assert address not in str(refused.value)
        assert server.connections == 0


def asking(wire: Wire, endpoint: Endpoint) -> list[Callable[[VendorModels], Awaitable[object]]]:
    embed = [] if wire is ANTHROPIC else [lambda gateway: gateway.embed(endpoint, "small", ["a"])]
    return [
        lambda gateway: gateway.chat(endpoint, REQUEST),
        lambda gateway: gateway.chat(endpoint, REQUEST, WAYS[1]),
        lambda gateway: gateway.models(endpoint),
        *embed,
    ]


@pytest.mark.parametrize(
    "url", ["ftp://vendor.example/", "vendor.example", "http://[::1", "http://"]
)
async def test_a_url_that_leads_nowhere_is_refused(wire: Wire, url: str) -> None:
    endpoint = Endpoint(provider_type=wire.provider_type, base_url=url)
    async with a_gateway() as gateway:
        with pytest.raises(ModelError) as refused:
            await gateway.chat(endpoint, REQUEST)
    assert refused.value.code == "MODEL_REQUEST_REFUSED"
