"""Rate limits: counted per user, key or address, told in `RateLimit-*` headers."""

from collections.abc import Mapping
from dataclasses import dataclass

from litestar.types import HTTPScope

from orbiter.adapters.http.exchange import exchange
from orbiter.application.ports.identity import Allowance, Rate, RateLimiter
from orbiter.domain.errors import TooManyRequests


@dataclass(frozen=True, slots=True)
class RateLimits:
    """Spend from named limits; without *rates* nothing is counted."""

    limiter: RateLimiter
    rates: Mapping[str, Rate] | None

    async def spend(self, scope: HTTPScope, name: str | None, who: str) -> None:
        """Count one hit of *who*, or raise TooManyRequests; None is no limit."""
        rate = self.rates.get(name) if self.rates and name else None
        if name is None or rate is None:
            return
        allowance = await self.limiter.hit(name, who, rate)
        _note(scope, allowance)
        if not allowance.allowed:
            raise TooManyRequests(allowance.reset_after)


def _note(scope: HTTPScope, allowance: Allowance) -> None:
    headers = exchange(scope).answer_headers
    if int(headers.get("RateLimit-Remaining", allowance.remaining)) >= allowance.remaining:
        headers["RateLimit-Limit"] = str(allowance.limit)
        headers["RateLimit-Remaining"] = str(allowance.remaining)
        headers["RateLimit-Reset"] = str(allowance.reset_after)
