"""Work that is done again and again while Orbiter runs."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

from orbiter.application.ports.system import Clock
from orbiter.domain.errors import Unavailable

_LOG: Final = logging.getLogger(__name__)


class Periodic:
    """Do *work* at once when started, then every *seconds* until stopped; failing ends nothing."""

    __slots__ = ("_clock", "_purpose", "_seconds", "_task", "_work")

    def __init__(
        self, purpose: str, work: Callable[[], Awaitable[object]], seconds: float, clock: Clock
    ) -> None:
        """*purpose* is what a log says has failed."""
        self._purpose = purpose
        self._work = work
        self._seconds = seconds
        self._clock = clock
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin; what is under way already goes on."""
        if self._task is None:
            self._task = asyncio.create_task(self._go_on())

    async def stop(self) -> None:
        """Return when nothing is under way any more; what was is cut off between two steps."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _go_on(self) -> None:
        while True:
            try:
                await self._work()
            except Unavailable as failure:
                _LOG.warning("%s: %s", self._purpose, failure.message)
            except Exception:
                _LOG.exception("%s failed", self._purpose)
            await self._clock.sleep(self._seconds)
