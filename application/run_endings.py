"""Waiting for the ends of runs, whichever process they are executed in."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from orbiter.application.ports.execution import Ending
from orbiter.application.ports.run_events import RunFeed, Subscription
from orbiter.application.ports.storage import Storage
from orbiter.application.run_events import NET_SECONDS
from orbiter.domain.errors import Unavailable
from orbiter.domain.runs import Run


@dataclass(frozen=True, slots=True)
class RunEndings:
    """The ends of runs, whichever process they are executed in."""

    storage: Storage
    feed: RunFeed

    def ended(self, run_id: str) -> None:
        """Tell that nothing of the run is under way in this process any more."""
        self.feed.publish(_work_of(run_id), 0, ended=True)

    @contextmanager
    def watch(self, run: Run) -> Iterator[Ending]:
        """Begin to watch for a run's end; what is told from now on is not missed."""
        with self.feed.subscribe(run.id) as ear:
            yield _Ending(self.storage, run, ear)

    @contextmanager
    def stopping(self, run_id: str) -> Iterator[Ending]:
        """Begin to watch for this process having nothing of the run under way any more."""
        with self.feed.subscribe(_work_of(run_id)) as ear:
            yield _Stopping(ear)


@dataclass(frozen=True, slots=True)
class _Ending:
    """The end of one run, awaited."""

    storage: Storage
    run: Run
    ear: Subscription

    async def wait(self, seconds: float) -> bool:
        """Wait for the end at most *seconds*; say whether it has come."""
        try:
            async with asyncio.timeout(seconds):
                while not (self.ear.closed or await self._heard() or await self._stored()):
                    pass
        except TimeoutError:
            return False
        return not self.ear.closed

    async def _heard(self) -> bool:
        try:
            async with asyncio.timeout(NET_SECONDS):
                await self.ear.end()
        except TimeoutError:
            return False
        return True

    async def _stored(self) -> bool:
        try:
            async with self.storage.open(self.run.workspace_id, reading=True) as uow:
                return (await uow.runs.get(self.run.id)).ended
        except Unavailable:
            return False


@dataclass(frozen=True, slots=True)
class _Stopping:
    """The end of what is under way in this process, awaited."""

    ear: Subscription

    async def wait(self, seconds: float) -> bool:
        """Wait for it at most *seconds*; say whether it has come."""
        try:
            async with asyncio.timeout(seconds):
                await self.ear.end()
        except TimeoutError:
            return False
        return not self.ear.closed


def _work_of(run_id: str) -> str:
    """Return what the feed knows the work on a run by, whose end may come after the run's."""
    return f"{run_id} at work"
