"""Rate limits counted in memory, by the library `limits`."""

import math
import time

from limits import RateLimitItemPerSecond
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter

from orbiter.application.ports.identity import Allowance, Rate


class MemoryRateLimiter:
    """Sliding windows of one process: two counters per limit and caller, however many hits."""

    def __init__(self) -> None:
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())

    async def hit(self, name: str, who: str, rate: Rate) -> Allowance:
        """Count one hit of *who* under the limit *name*; one that is refused does not count."""
        item = RateLimitItemPerSecond(rate.amount, rate.seconds)
        allowed = await self._limiter.hit(item, name, who)
        window = await self._limiter.get_window_stats(item, name, who)
        return Allowance(
            allowed=allowed,
            limit=rate.amount,
            remaining=window.remaining if allowed else 0,
            reset_after=max(1, math.ceil(window.reset_time - time.time())),
        )
