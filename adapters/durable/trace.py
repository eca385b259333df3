"""Steps on their way to storage: gathered for a moment, then stored together."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Final

from orbiter.adapters.durable.lease import Lease
from orbiter.application.ports.storage import Storage
from orbiter.application.ports.system import Clock
from orbiter.application.run_events import Chronicle
from orbiter.domain.errors import Unavailable
from orbiter.domain.runs import Run, Step, StepKind

SECONDS: Final = 0.05
LONGEST_PAUSE: Final = 5.0
# A run is young for so many pauses: most that are short end by then, and are stored once.
YOUNG: Final = 2
SHARE: Final = 5

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Pages:
    """What is not stored yet of one run: its steps, and that it has begun.

    What storage has *refused* is left until the run's end, which makes do with less.
    """

    run: Run
    begun: bool = False
    refused: bool = False
    pauses: int = 0
    steps: dict[str, Step] = field(default_factory=dict)

    @property
    def pending(self) -> bool:
        """Say whether there is something to store."""
        return not self.refused and (bool(self.steps) or not self.begun)


class Trace:
    """The steps of every run of this process that are not stored yet.

    That a run has begun is stored with its first steps; a short one ends before. Before a model
    speaks to somebody who listens, what leads to it is stored at once.
    """

    def __init__(self, storage: Storage, clock: Clock, lease: Lease, chronicle: Chronicle) -> None:
        self._storage = storage
        self._clock = clock
        self._lease = lease
        self._chronicle = chronicle
        self._pages: dict[str, Pages] = {}
        self._storing = asyncio.Lock()
        self._flusher: asyncio.Task[None] | None = None
        self._hurry: asyncio.Task[None] | None = None
        self._hurried = False
        chronicle.feed.attend(self._begin_to_be_heard)

    def of(self, run: Run) -> "RunTrace":
        """Return where the steps of a run go, which has just begun."""
        self._pages[run.id] = Pages(run)
        self._flush_soon()
        return RunTrace(self, run.id)

    def write(self, step: Step) -> None:
        """Take a step; it is stored in a moment. One of a run that was taken is dropped."""
        pages = self._pages.get(step.run_id)
        if pages is not None:
            pages.steps[step.id] = step
            self._flush_soon()
            speaks = step.kind is StepKind.MODEL and not step.ended
            if speaks and self._chronicle.feed.is_heard(step.run_id):
                self._flush_now()

    async def flush(self, *, but_young: bool = False) -> bool:
        """Store everything taken so far, *but young* runs, if said; say whether that worked."""
        async with self._storing:
            by_workspace: dict[str, list[Pages]] = defaultdict(list)
            for pages in self._pages.values():
                if pages.pending and not (but_young and self._is_young(pages)):
                    by_workspace[pages.run.workspace_id].append(pages)
            stored = [await self._store(*each) for each in by_workspace.items()]
        return all(stored)

    async def take(self, run_id: str) -> Sequence[Step]:
        """Return the steps of a run that is left, which are to be stored with its state."""
        async with self._storing:
            pages = self._pages.pop(run_id, None)
        return [] if pages is None else list(pages.steps.values())

    def drop(self, run_id: str) -> None:
        """Forget what is not stored of a run."""
        self._pages.pop(run_id, None)

    async def close(self) -> None:
        """Stop storing in the background."""
        tasks = [task for task in (self._flusher, self._hurry) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _begin_to_be_heard(self, run_id: str) -> None:
        if run_id in self._pages:
            self._flush_now()

    def _is_young(self, pages: Pages) -> bool:
        """Say whether a run is likely to end soon, and nobody listens to it meanwhile."""
        return pages.pauses <= YOUNG and not self._chronicle.feed.is_heard(pages.run.id)

    async def _store(self, workspace_id: str, of_runs: Sequence[Pages]) -> bool:
        steps = {pages.run.id: dict(pages.steps) for pages in of_runs}
        try:
            async with self._storage.open(workspace_id) as uow:
                lost = await uow.executions.lost(self._lease.executor_id, steps.keys())
                kept = [pages for pages in of_runs if pages.run.id not in lost]
                for pages in kept:
                    if not pages.begun:
                        await uow.runs.advance(pages.run)
                ids = [pages.run.id for pages in kept]
                await uow.runs.put_steps([step for id in ids for step in steps[id].values()])
                await self._chronicle.of_runs(
                    uow, [(pages.run, list(steps[pages.run.id].values())) for pages in kept]
                )
        except Unavailable as error:
            log.warning("Steps could not be stored yet: %s", error.message)
            return False
        except Exception as error:
            return await self._refuse(workspace_id, of_runs, error)
        for pages in of_runs:
            _forget(pages, steps[pages.run.id])
        return True

    async def _refuse(self, workspace_id: str, of_runs: Sequence[Pages], error: Exception) -> bool:
        """Find out whose steps were refused, and hold up nobody else's."""
        if len(of_runs) > 1:
            return all([await self._store(workspace_id, [pages]) for pages in of_runs])
        (pages,) = of_runs
        pages.refused = True
        log.error("Steps of run %s can't be stored as they are", pages.run.id, exc_info=error)
        return True

    def _flush_soon(self) -> None:
        if self._flusher is None:
            self._flusher = asyncio.ensure_future(self._flush_all())

    def _flush_now(self) -> None:
        self._hurried = True
        if self._hurry is None:
            self._hurry = asyncio.ensure_future(self._flush_hurried())

    async def _flush_hurried(self) -> None:
        while self._hurried:
            self._hurried = False
            await self.flush(but_young=True)
        self._hurry = None

    async def _flush_all(self) -> None:
        pause = SECONDS
        while any(pages.pending for pages in self._pages.values()):
            await self._clock.sleep(pause)
            for pages in self._pages.values():
                pages.pauses += 1
            began = monotonic()
            if await self.flush(but_young=True):
                # Where storing takes long there is much to do: the more goes in at once.
                pause = min(max(SECONDS, SHARE * (monotonic() - began)), LONGEST_PAUSE)
            else:
                pause = min(2 * pause, LONGEST_PAUSE)
        self._flusher = None


@dataclass(frozen=True, slots=True)
class RunTrace:
    """Where the steps of one run go."""

    trace: Trace
    run_id: str

    def write(self, step: Step) -> None:
        """Take a step."""
        self.trace.write(step)

    async def flush(self) -> None:
        """Return when everything taken is stored."""
        await self.trace.flush()


def _forget(pages: Pages, stored: Mapping[str, Step]) -> None:
    # A step may have gone on while it was being stored.
    pages.begun = True
    for id, step in stored.items():
        if pages.steps.get(id) is step:
            del pages.steps[id]
