"""The guarded HTTP client."""

import asyncio
import ssl
from functools import cached_property
from typing import TYPE_CHECKING, Final

from orbiter.adapters.outbound.allowlist import EgressAllowlist
from orbiter.adapters.outbound.resolver import Resolver, SystemResolver
from orbiter.application.ports.outbound import OutboundAnswer, OutboundError, OutboundRequest

if TYPE_CHECKING:
    from orbiter.adapters.outbound.exchange import Exchange

MAX_REDIRECTS: Final = 5
MAX_BODY_BYTES: Final = 10 * 1024 * 1024


class GuardedHttpClient:
    """Reach public addresses and what the operator opened; redirects are followed and checked.

    Proxies and credentials in the environment are not looked at, cookies are not kept.
    *max_body_bytes* bounds an answer's body, decoded.
    """

    def __init__(
        self,
        allowlist: EgressAllowlist,
        *,
        resolver: Resolver | None = None,
        tls: ssl.SSLContext | None = None,
        max_body_bytes: int = MAX_BODY_BYTES,
    ) -> None:
        self._allowlist = allowlist
        self._resolver = resolver or SystemResolver()
        self._tls = tls
        self._max_body_bytes = max_body_bytes

    async def send(self, request: OutboundRequest) -> OutboundAnswer:
        """Return the answer, whatever its status; raise OutboundError when there is none."""
        try:
            async with asyncio.timeout(request.timeout_seconds):
                return await self._follow(request)
        except TimeoutError:
            message = f"No answer came within {request.timeout_seconds:g} seconds"
            raise OutboundError("HTTP_TIMEOUT", message) from None

    async def close(self) -> None:
        """Close every connection; requests under way fail."""
        if "_exchange" in vars(self):
            await self._exchange.close()
        self._resolver.close()

    async def _follow(self, request: OutboundRequest) -> OutboundAnswer:
        from orbiter.adapters.outbound.hops import Hop

        hop = Hop.first(request)
        for _ in range(MAX_REDIRECTS + 1):
            answer = await self._exchange(hop)
            following = hop.next(answer)
            if following is None:
                return answer
            hop = following
        message = f"The answer redirected more than {MAX_REDIRECTS} times"
        raise OutboundError("TOO_MANY_REDIRECTS", message)

    @cached_property
    def _exchange(self) -> "Exchange":
        # httpx2 takes a fifth of a second to import: whoever asks nobody does not wait for it.
        import httpcore2

        from orbiter.adapters.outbound.connections import CheckedConnections
        from orbiter.adapters.outbound.exchange import Exchange

        connections = CheckedConnections(self._resolver, self._allowlist)
        tls = self._tls or httpcore2.default_ssl_context()
        return Exchange(connections, tls, self._max_body_bytes)
