"""Rate limits counted in memory, by the library `limits`."""

import math
import time
from typing import Final

from limits import RateLimitItemPerSecond
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter, SlidingWindowCounterRateLimiter

from orbiter.application.ports.identity import Allowance, Rate

EXACT_MAX: Final = 100


class MemoryRateLimiter:
    """Sliding windows of one process.

    Of a limit up to 100 each hit is remembered, which is exact; of a larger one two counters are,
    which may let one hit more through where two windows meet.
    """

    def __init__(self) -> None:
        kept = MemoryStorage()
        self._exact = MovingWindowRateLimiter(kept)
        self._counted = SlidingWindowCounterRateLimiter(kept)

    async def hit(self, name: str, who: str, rate: Rate) -> Allowance:
        """Count one hit of *who* under the limit *name*; one that is refused does not count."""
        item = RateLimitItemPerSecond(rate.amount, rate.seconds)
        limiter = self._exact if rate.amount <= EXACT_MAX else self._counted
        allowed = await limiter.hit(item, name, who)
        window = await limiter.get_window_stats(item, name, who)
        return Allowance(
            allowed=allowed,
            limit=rate.amount,
            remaining=window.remaining if allowed else 0,
            reset_after=max(1, math.ceil(window.reset_time - time.time())),
        )
