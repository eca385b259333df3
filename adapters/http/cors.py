"""Which web origins may call the API from a browser: the CORS protocol of the Fetch standard."""

from dataclasses import dataclass
from typing import Final

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from orbiter.adapters.http.exchange import answer_empty, exchange, told

METHODS: Final = "GET, HEAD, POST, PUT, DELETE"
# What a page may read, beyond what it may read anyway.
EXPOSED: Final = (
    "ETag, Idempotent-Replayed, Location, Preference-Applied, RateLimit-Limit, "
    "RateLimit-Remaining, RateLimit-Reset, Retry-After, X-Request-ID"
)
TAKEN: Final = (
    "Content-Type, Idempotency-Key, If-Match, If-None-Match, Prefer, X-API-Key, X-CSRF-Token, "
    "X-Request-ID"
)
PREFLIGHT: Final = {
    "Access-Control-Allow-Methods": METHODS,
    "Access-Control-Allow-Headers": TAKEN,
    "Access-Control-Max-Age": "600",
}


@dataclass(slots=True)
class Cors:
    """Wrap the application: answers tell a browser whether a page of an origin may see them."""

    app: ASGIApp
    origins: frozenset[str]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Say what the page may; answer a preflight of an origin that may call."""
        if scope["type"] != ScopeType.HTTP or not self.origins:
            await self.app(scope, receive, send)
            return
        headers = exchange(scope).answer_headers
        headers["Vary"] = "Origin"
        origin = told(scope, b"origin")
        if origin in self.origins:
            headers["Access-Control-Allow-Origin"] = origin
            headers["Access-Control-Allow-Credentials"] = "true"
            headers["Access-Control-Expose-Headers"] = EXPOSED
            if scope["method"] == "OPTIONS" and told(scope, b"access-control-request-method"):
                await answer_empty(send, PREFLIGHT)
                return
        await self.app(scope, receive, send)
