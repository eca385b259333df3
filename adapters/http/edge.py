"""The outermost layer: the caller's address, the request's id, security headers, one log line."""

import logging
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any, Final

import structlog
from litestar.datastructures import MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from orbiter.adapters.http.exchange import exchange

REQUEST_ID: Final = "x-request-id"
_SANE: Final = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_QUIET: Final = ("/health/",)
SECURITY_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}
HSTS: Final = "max-age=31536000; includeSubDomains"
log = structlog.get_logger("orbiter.http")


class TrustedProxies:
    """Whose `X-Forwarded-For` and `X-Forwarded-Proto` count: addresses and networks."""

    def __init__(self, entries: Sequence[str] = ()) -> None:
        self._networks = [ip_network(entry, strict=False) for entry in entries]

    def trusts(self, address: str) -> bool:
        """Say whether *address* is one of them."""
        try:
            parsed = ip_address(address)
        except ValueError:
            return False
        return any(_holds(network, parsed) for network in self._networks)

    def client(self, peer: str, forwarded_for: str) -> str:
        """Return the nearest address that is not a trusted proxy's."""
        chain = [part.strip() for part in forwarded_for.split(",") if part.strip()]
        address = peer
        while chain and self.trusts(address):
            address = chain.pop()
        return address


def _holds(network: IPv4Network | IPv6Network, address: Any) -> bool:
    return bool(address.version == network.version and address in network)


@dataclass(slots=True)
class Edge:
    """Wrap the application: every answer, whoever gives it, leaves through here."""

    app: ASGIApp
    proxies: TrustedProxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != ScopeType.HTTP:
            await self.app(scope, receive, send)
            return
        began = time.perf_counter()
        self._identify(scope)
        answer = _Answer(scope, send)
        with structlog.contextvars.bound_contextvars(request_id=exchange(scope).request_id):
            try:
                await self.app(scope, receive, answer)
            finally:
                _tell(scope, answer.status, time.perf_counter() - began)

    def _identify(self, scope: HTTPScope) -> None:
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        peer = scope["client"][0] if scope["client"] else ""
        if self.proxies.trusts(peer):
            address = self.proxies.client(peer, headers.get(b"x-forwarded-for", ""))
            scope["client"] = (address, 0)
            scope["scheme"] = _scheme(headers.get(b"x-forwarded-proto", ""), scope["scheme"])
        given = headers.get(REQUEST_ID.encode(), "")
        if _SANE.fullmatch(given):
            exchange(scope).request_id = given


def _scheme(forwarded: str, own: str) -> str:
    nearest = forwarded.rpartition(",")[2].strip().lower()
    return nearest if nearest in ("http", "https") else own


@dataclass(slots=True)
class _Answer:
    """The way out: adds headers to the start of an answer and remembers its status."""

    scope: HTTPScope
    send: Send
    status: int = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableScopeHeaders.from_message(message)
            for name, value in SECURITY_HEADERS.items():
                headers.setdefault(name, value)
            for name, value in exchange(self.scope).answer_headers.items():
                headers.setdefault(name, value)
            headers["X-Request-ID"] = exchange(self.scope).request_id
            if self.scope["scheme"] == "https":
                headers.setdefault("Strict-Transport-Security", HSTS)
        await self.send(message)


def _tell(scope: HTTPScope, status: int, seconds: float) -> None:
    user = scope.get("user")
    log.log(
        logging.DEBUG if scope["path"].startswith(_QUIET) else logging.INFO,
        "request",
        method=scope["method"],
        path=scope["path"],
        status=status,
        duration_ms=round(seconds * 1000, 1),
        user_id=getattr(user, "user_id", None),
        address=scope["client"][0] if scope["client"] else None,
    )
