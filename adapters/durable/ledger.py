"""Writes that come at the same time, committed together."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from orbiter.application.ports.storage import Storage, UnitOfWork
from orbiter.application.ports.system import Clock
from orbiter.domain.errors import Unavailable

FIRST_PAUSE: Final = 0.1
LONGEST_PAUSE: Final = 5.0
TOGETHER_MAX: Final = 64

Item = TypeVar("Item")
Done = TypeVar("Done")
Work = Callable[[UnitOfWork, Sequence[Any]], Awaitable[Sequence[Any]]]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Entry:
    """One write, and where its outcome is told; it is done with all others of equal *work*."""

    work: Work
    item: Any
    outcome: asyncio.Future[Any]


class Ledger:
    """Writes one after another; what comes in while one is committed shares the next commit.

    A commit costs the same for one and for many. While storage is away everybody waits.
    """

    def __init__(self, storage: Storage, clock: Clock) -> None:
        self._storage = storage
        self._clock = clock
        self._waiting: dict[str, list[Entry]] = {}
        self._writers: dict[str, asyncio.Task[None]] = {}

    async def write(self, workspace_id: str, work: Callable[[UnitOfWork], Awaitable[Done]]) -> Done:
        """Return what *work* gives once it is committed, or raise what it raised.

        *work* may be called again after others failed: it changes nothing but storage.
        """

        async def alone(uow: UnitOfWork, _: Sequence[None]) -> Sequence[Done]:
            return [await work(uow)]

        return await self.write_together(workspace_id, alone, None)

    async def write_together(
        self,
        workspace_id: str,
        work: Callable[[UnitOfWork, Sequence[Item]], Awaitable[Sequence[Done]]],
        item: Item,
    ) -> Done:
        """Do the same; *work* is called once with the items of all who wait with an equal one.

        It gives the outcome of each, in order.
        """
        outcome: asyncio.Future[Done] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(workspace_id, []).append(Entry(work, item, outcome))
        if workspace_id not in self._writers:
            self._writers[workspace_id] = asyncio.ensure_future(self._write_all(workspace_id))
        return await outcome

    async def close(self, seconds: float) -> None:
        """Give what is waiting *seconds* to be written, then give it up."""
        writers = list(self._writers.values())
        if writers:
            await asyncio.wait(writers, timeout=seconds)
        for writer in writers:
            writer.cancel()
        await asyncio.gather(*writers, return_exceptions=True)

    async def _write_all(self, workspace_id: str) -> None:
        try:
            await asyncio.sleep(0)  # for those of the same turn of the loop
            while entries := self._waiting.pop(workspace_id, []):
                for first in range(0, len(entries), TOGETHER_MAX):
                    await self._write(workspace_id, entries[first : first + TOGETHER_MAX])
        finally:
            del self._writers[workspace_id]

    async def _write(self, workspace_id: str, entries: Sequence[Entry]) -> None:
        wanted = [each for each in entries if not each.outcome.done()]
        pause = FIRST_PAUSE
        while wanted:
            try:
                async with self._storage.open(workspace_id) as uow:
                    outcomes = await _outcomes(uow, wanted)
            except Unavailable as error:
                log.warning("Runs wait for storage: %s", error.message)
            except Exception as error:
                await self._write_singly(workspace_id, wanted, error)
                return
            else:
                for entry, outcome in outcomes:
                    if not entry.outcome.done():
                        entry.outcome.set_result(outcome)
                return
            await self._clock.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
            wanted = [each for each in wanted if not each.outcome.done()]

    async def _write_singly(
        self, workspace_id: str, entries: Sequence[Entry], error: Exception
    ) -> None:
        if len(entries) > 1:
            for each in entries:
                await self._write(workspace_id, [each])
        elif not entries[0].outcome.done():
            entries[0].outcome.set_exception(error)


async def _outcomes(uow: UnitOfWork, entries: Sequence[Entry]) -> Sequence[tuple[Entry, Any]]:
    by_work: dict[Work, list[Entry]] = {}
    for entry in entries:
        by_work.setdefault(entry.work, []).append(entry)
    outcomes = list[tuple[Entry, Any]]()
    for work, same in by_work.items():
        done = await work(uow, [entry.item for entry in same])
        outcomes += zip(same, done, strict=True)
    return outcomes
