"""The client for SDKs over real sockets: guarded, bounded, and forgetful."""

import asyncio
import socket

import httpx2
import pytest

from orbiter.adapters.outbound.allowlist import EgressAllowlist
from orbiter.adapters.outbound.transport import guarded_client
from orbiter.application.ports.outbound import OutboundError
from support.outbound import Heard, Names, answering, redirecting, serving
from support.vendors import hostile
from support.vendors.serving import STREAM_HEAD, chunk, head, whole

OPEN = EgressAllowlist.parse("127.0.0.1")


async def test_a_private_address_is_refused_under_every_name() -> None:
    names = Names({"inner.example": [["127.0.0.1"]]})
    async with serving(answering()) as server, guarded_client(EgressAllowlist()) as plain:
        for host in ("127.0.0.1", "localhost", "2130706433", "0x7f000001", "[::ffff:127.0.0.1]"):
            with pytest.raises(OutboundError) as refused:
                await plain.get(server.url(host=host))
            assert refused.value.code == "EGRESS_DENIED"
        async with guarded_client(EgressAllowlist(), resolver=names) as client:
            with pytest.raises(OutboundError) as refused:
                await client.get(server.url(host="inner.example"))
        assert refused.value.code == "EGRESS_DENIED"
        assert server.connections == 0


async def test_a_redirect_is_not_followed_even_if_an_sdk_wants_it() -> None:
    async with serving(answering()) as inner, serving(redirecting(inner.url())) as server:
        async with guarded_client(OPEN) as client:
            with pytest.raises(OutboundError) as refused:
                await client.get(server.url(), follow_redirects=True)
    assert (refused.value.code, inner.connections) == ("TOO_MANY_REDIRECTS", 0)


async def test_the_head_is_awaited_no_longer_than_a_read_may_take() -> None:
    async with serving(hostile.hanging(b"HTTP/1.1 200 OK\r\n")) as server:
        async with guarded_client(OPEN) as client:
            with pytest.raises(httpx2.ReadTimeout):
                await client.get(server.url(), timeout=httpx2.Timeout(10, read=0.1))
        await asyncio.wait_for(server.gone.wait(), 5)


async def test_a_body_may_be_as_long_as_it_may_be() -> None:
    for zipped in (False, True):
        async with serving(whole(b"x" * 1000, zipped=zipped)) as server:
            async with guarded_client(OPEN, max_answer_bytes=1000) as client:
                assert (await client.get(server.url())).content == b"x" * 1000
            async with guarded_client(OPEN, max_answer_bytes=999) as client:
                with pytest.raises(OutboundError) as refused:
                    await client.get(server.url())
        assert refused.value.code == "RESPONSE_TOO_LARGE"


async def test_who_reads_again_goes_on_where_he_stopped() -> None:
    sent = STREAM_HEAD + chunk(b"a" * 5000) + chunk(b"b") + chunk(b"")
    async with serving(hostile.hanging(sent)) as server, guarded_client(OPEN) as client:
        async with client.stream("GET", server.url()) as answer:
            assert isinstance(answer.stream, httpx2.AsyncByteStream)
            parts = [await anext(aiter(answer.stream))]
            parts += [part async for part in answer.stream]
    assert b"".join(parts) == b"a" * 5000 + b"b"


async def test_a_closed_answer_leaves_nothing_open() -> None:
    async with serving(hostile.endless(b"data: {}\n\n")) as server:
        async with guarded_client(OPEN) as client:
            async with client.stream("GET", server.url()) as answer:
                async for _ in answer.aiter_bytes():
                    break
            await asyncio.wait_for(server.gone.wait(), 5)


@pytest.mark.skipif(not hasattr(socket, "TCP_QUICKACK"), reason="only Linux can be asked to")
async def test_a_server_that_writes_head_and_body_apart_does_not_wait_for_us() -> None:
    """With Nagle's algorithm on it waits for the head to be acknowledged: 40 ms each time."""

    async def apart(heard: Heard, writer: asyncio.StreamWriter) -> None:
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 0)
        writer.write(head(200, {"content-length": "2"}))
        await writer.drain()
        writer.write(b"ok")

    loop = asyncio.get_running_loop()
    async with serving(apart) as server, guarded_client(OPEN) as client:
        began = loop.time()
        for _ in range(25):
            assert (await client.get(server.url())).content == b"ok"
        assert loop.time() - began < 0.5
        assert server.connections == 1
