"""The outermost layer: the caller's address, the request's id, security headers, one log line."""

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, cast

import structlog
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from orbiter.adapters.http.exchange import exchange, told
from orbiter.adapters.http.proxies import TrustedProxies

_SANE: Final = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_QUIET: Final = ("/health/",)
# Behind /hooks/ stands a token, unless it is an id.
_TOKEN: Final = re.compile(
    r"(?<=/hooks/)(?![0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$).+", re.DOTALL
)
SECURITY: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cache-control", b"no-store"),
)
OVER_TLS: Final = (b"strict-transport-security", b"max-age=31536000; includeSubDomains")
log = structlog.get_logger("orbiter.http")


@dataclass(slots=True)
class Edge:
    """Wrap the application: every answer, whoever gives it, leaves through here."""

    app: ASGIApp
    proxies: TrustedProxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request; HEAD is GET whose answer has no body (RFC 9110, 9.3.2)."""
        if scope["type"] != ScopeType.HTTP:
            await self.app(scope, receive, send)
            return
        began = time.perf_counter()
        head = scope["method"] == "HEAD"
        asked = cast("HTTPScope", {**scope, "method": "GET"} if head else scope)
        self.proxies.reveal(asked)
        _identify(asked)
        answer = _Answer(asked, send, head)
        with structlog.contextvars.bound_contextvars(request_id=exchange(asked).request_id):
            try:
                await self.app(asked, receive, answer)
            finally:
                _tell(scope["method"], asked, answer.status, time.perf_counter() - began)


def _identify(scope: HTTPScope) -> None:
    given = told(scope, b"x-request-id")
    if _SANE.fullmatch(given):
        exchange(scope).request_id = given


@dataclass(slots=True)
class _Answer:
    """The way out: adds headers to the start of an answer and remembers its status."""

    scope: HTTPScope
    send: Send
    without_body: bool
    status: int = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = list(message["headers"])
            given = {name for name, _ in headers}
            headers += (each for each in self._more() if each[0] not in given)
            message["headers"] = headers
        elif self.without_body and message["type"] == "http.response.body":
            message["body"] = b""
        await self.send(message)

    def _more(self) -> Iterator[tuple[bytes, bytes]]:
        yield from SECURITY
        for name, value in exchange(self.scope).answer_headers.items():
            yield name.lower().encode(), value.encode()
        yield b"x-request-id", exchange(self.scope).request_id.encode()
        if self.scope["scheme"] == "https":
            yield OVER_TLS


def _tell(method: str, scope: HTTPScope, status: int, seconds: float) -> None:
    user = scope.get("user")
    tell = log.debug if scope["path"].startswith(_QUIET) else log.info
    tell(
        "request",
        method=method,
        path=_TOKEN.sub("***", scope["path"]),
        status=status,
        duration_ms=round(seconds * 1000, 1),
        user_id=getattr(user, "user_id", None),
        address=scope["client"][0] if scope["client"] else None,
    )
