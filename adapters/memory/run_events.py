"""The ends of runs, told within one process."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

from orbiter.application.ports.execution import Ending


class MemoryEnding:
    """The end of one run, awaited by one caller."""

    def __init__(self) -> None:
        self.come = asyncio.Event()

    async def wait(self, seconds: float) -> bool:
        """Wait for the end at most *seconds*; say whether it has come."""
        try:
            async with asyncio.timeout(seconds):
                await self.come.wait()
        except TimeoutError:
            return False
        return True


class MemoryRunEvents:
    """Who waits for which run."""

    def __init__(self) -> None:
        self._waiting: dict[str, set[MemoryEnding]] = defaultdict(set)

    def ended(self, run_id: str) -> None:
        """Tell that the run's end is stored."""
        for ending in self._waiting.get(run_id, ()):
            ending.come.set()

    @contextmanager
    def watch(self, run_id: str) -> Iterator[Ending]:
        """Begin to watch for a run's end; what is told from now on is not missed."""
        ending = MemoryEnding()
        self._waiting[run_id].add(ending)
        try:
            yield ending
        finally:
            self._waiting[run_id].discard(ending)
            if not self._waiting[run_id]:
                del self._waiting[run_id]
