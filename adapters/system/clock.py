"""The machine's clock."""

import asyncio
from datetime import UTC, datetime


class SystemClock:
    """The present and the passing of time, as the machine sees them."""

    def now(self) -> datetime:
        """Return the present, in UTC, cut to milliseconds."""
        now = datetime.now(UTC)
        return now.replace(microsecond=now.microsecond // 1000 * 1000)

    async def sleep(self, seconds: float) -> None:
        """Return after *seconds*."""
        await asyncio.sleep(seconds)
