"""One request and its answer over the wire, within bounds."""

import ssl
from collections.abc import AsyncIterable, AsyncIterator
from http import HTTPStatus
from typing import Final

import httpcore2
import httpx2

from orbiter.adapters.outbound.connections import CheckedConnections
from orbiter.adapters.outbound.hops import Hop
from orbiter.adapters.outbound.pool import Pool
from orbiter.application.ports.outbound import OutboundAnswer, OutboundError

HEADERS_MAX: Final = 200
HEADERS_BYTES: Final = 64 * 1024
_WITH_A_BODY: Final = frozenset({"POST", "PUT", "PATCH"})


class Exchange:
    """Send requests over a bounded pool of connections; nothing is kept from one to the next."""

    def __init__(
        self, connections: CheckedConnections, tls: ssl.SSLContext, max_body_bytes: int
    ) -> None:
        self._max_body_bytes = max_body_bytes
        self._pool = Pool(connections, tls)

    async def __call__(self, hop: Hop) -> OutboundAnswer:
        """Return the answer with its body decoded, or raise OutboundError."""
        try:
            request = _wire(hop)
            async with self._pool.use(request.url.origin) as connection:
                response = await connection.handle_async_request(request)
                try:
                    return await self._read(response)
                finally:
                    await response.aclose()
        except (httpcore2.NetworkError, httpcore2.ProtocolError) as failure:
            raise _told(failure, hop.url.host) from None
        except httpx2.DecodingError:
            raise OutboundError("CONNECTION_FAILED", "The answer's body can't be decoded") from None

    async def close(self) -> None:
        """Close every connection; requests under way fail."""
        await self._pool.close()

    async def _read(self, response: httpcore2.Response) -> OutboundAnswer:
        size = sum(len(name) + len(value) for name, value in response.headers)
        if len(response.headers) > HEADERS_MAX or size > HEADERS_BYTES:
            raise _headers_too_large()
        assert isinstance(response.stream, AsyncIterable)
        headers = httpx2.Headers(response.headers)
        received = _Received(response.stream, self._max_body_bytes)
        parts: AsyncIterable[bytes] = received
        if "content-encoding" in headers:
            whole = httpx2.Response(response.status, headers=headers, stream=received)
            parts = whole.aiter_bytes()
        body = bytearray()
        async for part in parts:
            body += part
            if len(body) > self._max_body_bytes:
                raise _too_large(self._max_body_bytes)
        return OutboundAnswer(status=response.status, headers=dict(headers), body=bytes(body))


class _Received(httpx2.AsyncByteStream):
    """A body as it arrives: what decodes to little or nothing is bounded too."""

    def __init__(self, parts: AsyncIterable[bytes], max_bytes: int) -> None:
        self._parts = parts
        self._max_bytes = max_bytes

    async def __aiter__(self) -> AsyncIterator[bytes]:
        left = self._max_bytes
        async for part in self._parts:
            left -= len(part)
            if left < 0:
                raise _too_large(self._max_bytes)
            yield part


def _wire(hop: Hop) -> httpcore2.Request:
    headers = {"host": hop.url.netloc.decode(), **hop.headers}
    if hop.body is not None or hop.method in _WITH_A_BODY:
        headers["content-length"] = str(len(hop.body or b""))
    return httpcore2.Request(
        hop.method,
        httpcore2.URL(
            scheme=hop.url.raw_scheme,
            host=hop.url.raw_host,
            port=hop.url.port,
            target=hop.url.raw_path,
        ),
        headers=[(name.encode(), value.encode()) for name, value in headers.items()],
        content=hop.body or b"",
    )


def _told(failure: Exception, host: str) -> OutboundError:
    """Say what went wrong without what the exception knows of this machine."""
    cause = failure.args[0] if failure.args else None
    if isinstance(cause, ssl.SSLCertVerificationError):
        message = f"The certificate of {host} is not valid: {cause.verify_message}"
    elif isinstance(failure, httpcore2.ConnectError):
        message = f"No secure connection could be made to {host}"
    elif getattr(cause, "error_status_hint", None) == HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE:
        return _headers_too_large()
    elif isinstance(failure, httpcore2.ProtocolError):
        message = f"{host} gave no valid HTTP answer"
    else:
        message = f"The connection to {host} broke"
    return OutboundError("CONNECTION_FAILED", message)


def _too_large(max_bytes: int) -> OutboundError:
    return OutboundError("RESPONSE_TOO_LARGE", f"The answer has more than {max_bytes} bytes")


def _headers_too_large() -> OutboundError:
    return OutboundError("RESPONSE_TOO_LARGE", "The answer's headers are too large")
