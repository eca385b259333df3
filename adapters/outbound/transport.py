"""One guarded httpx2 client, for the SDKs that bring their own words but no connections."""

import asyncio
import ssl
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Final

import httpcore2
import httpx2

from orbiter.adapters.outbound.allowlist import EgressAllowlist
from orbiter.adapters.outbound.connections import CheckedConnections
from orbiter.adapters.outbound.resolver import Resolver, SystemResolver
from orbiter.application.ports.outbound import OutboundError

ANSWER_BYTES: Final = 16 * 1024 * 1024
CONNECTIONS: Final = 200
CONNECTIONS_IDLE: Final = 100
IDLE_SECONDS: Final = 30.0
# So many bytes of a stream are handed on at once: thousands of tiny events would hold the loop.
_PIECE: Final = 4096
_NOT_HANDED_ON: Final = frozenset({b"set-cookie", b"content-encoding", b"content-length"})


def guarded_client(
    allowlist: EgressAllowlist,
    *,
    resolver: Resolver | None = None,
    tls: ssl.SSLContext | None = None,
    max_answer_bytes: int = ANSWER_BYTES,
) -> httpx2.AsyncClient:
    """Return a client whose every connection passes the egress guard; whoever asked closes it.

    Proxies and credentials in the environment are not looked at, cookies are not kept. A request
    raises OutboundError when it is refused (EGRESS_DENIED), can't connect (CONNECTION_FAILED), is
    redirected (TOO_MANY_REDIRECTS: not even the first is followed) or gets an answer of more than
    *max_answer_bytes*, decoded or not (RESPONSE_TOO_LARGE); else what httpx2 raises. The read
    time-out bounds the wait for the answer's head, name lookup and connecting included, and then
    each wait for more of its body.
    """
    transport = GuardedTransport(
        CheckedConnections(resolver := resolver or SystemResolver(), allowlist),
        resolver,
        tls or httpcore2.default_ssl_context(),
        max_answer_bytes,
    )
    return httpx2.AsyncClient(transport=transport, trust_env=False, follow_redirects=False)


class GuardedTransport(httpx2.AsyncBaseTransport):
    """Send requests over a bounded pool of checked connections; answers come decoded."""

    def __init__(
        self,
        connections: CheckedConnections,
        resolver: Resolver,
        tls: ssl.SSLContext,
        max_answer_bytes: int,
    ) -> None:
        self._resolver = resolver
        self._max_bytes = max_answer_bytes
        self._pool = httpcore2.AsyncConnectionPool(
            tls,
            max_connections=CONNECTIONS,
            max_keepalive_connections=CONNECTIONS_IDLE,
            keepalive_expiry=IDLE_SECONDS,
            network_backend=connections,
        )

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Return the answer, its body still to be read."""
        with _in_words_of_httpx():
            try:
                async with asyncio.timeout(request.extensions.get("timeout", {}).get("read")):
                    answer = await self._pool.handle_async_request(_wire(request))
            except TimeoutError:
                raise httpx2.ReadTimeout("No answer came in time") from None
        if 300 <= answer.status < 400:
            await answer.aclose()
            message = "The answer redirects elsewhere, which is not followed"
            raise OutboundError("TOO_MANY_REDIRECTS", message)
        return self._handed_on(answer)

    async def aclose(self) -> None:
        """Close every connection; requests under way fail."""
        await self._pool.aclose()
        self._resolver.close()

    def _handed_on(self, answer: httpcore2.Response) -> httpx2.Response:
        received = httpx2.Response(
            answer.status, headers=answer.headers, stream=_Received(answer, self._max_bytes)
        )
        kept = [pair for pair in answer.headers if pair[0].lower() not in _NOT_HANDED_ON]
        return httpx2.Response(
            answer.status,
            headers=kept,
            stream=_Decoded(received, self._max_bytes),
            extensions=answer.extensions,
        )


class _Received(httpx2.AsyncByteStream):
    """A body as it arrives: what decodes to little or nothing is bounded too."""

    def __init__(self, answer: httpcore2.Response, max_bytes: int) -> None:
        self._answer = answer
        self._max_bytes = max_bytes

    async def __aiter__(self) -> AsyncIterator[bytes]:
        assert isinstance(self._answer.stream, AsyncIterable)
        left = self._max_bytes
        with _in_words_of_httpx():
            async for part in self._answer.stream:
                if (left := left - len(part)) < 0:
                    raise _too_large(self._max_bytes)
                yield part

    async def aclose(self) -> None:
        await self._answer.aclose()


class _Decoded(httpx2.AsyncByteStream):
    """The same body decoded: a few bytes must not become gigabytes.

    Who begins to read again goes on where he stopped: SDKs read the rest of a body so that its
    connection can be used again.
    """

    def __init__(self, received: httpx2.Response, max_bytes: int) -> None:
        self._received = received
        self._max_bytes = max_bytes
        self._is_stream = received.headers.get("content-type", "").startswith("text/event-stream")
        self._parts = self._read()

    # No generator, which httpx2 would close as soon as the first reader goes.
    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        return await anext(self._parts)

    async def aclose(self) -> None:
        await self._received.aclose()
        await self._parts.aclose()

    async def _read(self) -> AsyncGenerator[bytes, None]:
        left = self._max_bytes
        async for part in self._received.aiter_bytes():
            if (left := left - len(part)) < 0:
                raise _too_large(self._max_bytes)
            size = _PIECE if self._is_stream else len(part)
            for start in range(0, len(part), size or 1):
                yield part[start : start + size]
                if size < len(part):
                    await asyncio.sleep(0)


def _wire(request: httpx2.Request) -> httpcore2.Request:
    assert isinstance(request.stream, httpx2.AsyncByteStream)
    return httpcore2.Request(
        request.method,
        httpcore2.URL(
            scheme=request.url.raw_scheme,
            host=request.url.raw_host,
            port=request.url.port,
            target=request.url.raw_path,
        ),
        headers=request.headers.raw,
        content=request.stream,
        extensions=request.extensions,
    )


@contextmanager
def _in_words_of_httpx() -> Iterator[None]:
    """Turn httpcore2's exceptions into those of the same name that callers of httpx2 know."""
    try:
        yield
    except (
        httpcore2.NetworkError,
        httpcore2.ProtocolError,
        httpcore2.TimeoutException,
        httpcore2.UnsupportedProtocol,
    ) as failure:
        raise getattr(httpx2, type(failure).__name__)(str(failure)) from None
    except ssl.SSLError as failure:
        raise httpx2.ReadError(str(failure)) from None


def _too_large(max_bytes: int) -> OutboundError:
    return OutboundError("RESPONSE_TOO_LARGE", f"The answer has more than {max_bytes} bytes")
