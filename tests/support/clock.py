"""A clock that tests set."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Final

START: Final = datetime(2026, 11, 25, 9, 30, tzinfo=UTC)


class ManualClock:
    """Time that stands still until somebody advances it, or sleeps: then it has passed at once."""

    def __init__(self, start: datetime = START) -> None:
        self._now = start

    def now(self) -> datetime:
        """Return the present."""
        return self._now

    def advance(self, by: timedelta) -> None:
        """Let time pass."""
        self._now += by

    async def sleep(self, seconds: float) -> None:
        """Let *seconds* pass, and everybody else have a turn; sleepers at once share the time."""
        until = self._now + timedelta(seconds=seconds)
        await asyncio.sleep(0)
        self._now = max(self._now, until)
