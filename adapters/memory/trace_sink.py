"""Steps on their way to storage: gathered for a moment, then stored together."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from orbiter.application.ports.execution import TraceSink
from orbiter.application.ports.storage import Storage
from orbiter.application.ports.system import Clock
from orbiter.application.run_events import Chronicle
from orbiter.domain.runs import Run, Step

SECONDS: Final = 0.05
LONGEST_PAUSE: Final = 5.0

log = logging.getLogger(__name__)


class MemoryTrace:
    """The steps of every run of this process that are not stored yet."""

    def __init__(self, storage: Storage, clock: Clock, chronicle: Chronicle) -> None:
        self._storage = storage
        self._chronicle = chronicle
        self._runs: dict[str, Run] = {}
        self._clock = clock
        self._waiting: dict[str, dict[str, dict[str, Step]]] = defaultdict(dict)
        self._storing = asyncio.Lock()
        self._flusher: asyncio.Task[None] | None = None

    def of(self, run: Run) -> TraceSink:
        """Return where the steps of one run go."""
        self._runs[run.id] = run
        return MemoryTraceSink(self, run.workspace_id)

    def write(self, workspace_id: str, step: Step) -> None:
        """Take a step; it is stored in a moment."""
        self._waiting[workspace_id].setdefault(step.run_id, {})[step.id] = step
        if self._flusher is None:
            self._flusher = asyncio.ensure_future(self._flush_all())

    async def flush(self) -> bool:
        """Store everything taken so far; say whether that worked."""
        stored = True
        async with self._storing:
            for workspace_id, runs in list(self._waiting.items()):
                steps = [step for of_one in runs.values() for step in of_one.values()]
                try:
                    async with self._storage.open(workspace_id) as uow:
                        await uow.runs.put_steps(steps)
                        for run_id, of_one in runs.items():
                            run = self._runs[run_id]
                            await self._chronicle.of_steps(uow, run, list(of_one.values()))
                except Exception as error:
                    log.warning("Steps could not be stored yet: %s", error)
                    stored = False
                else:
                    self._forget(workspace_id, steps)
        return stored

    async def close(self) -> None:
        """Stop storing in the background."""
        if self._flusher is not None:
            self._flusher.cancel()
            await asyncio.gather(self._flusher, return_exceptions=True)

    async def take(self, run: Run) -> Sequence[Step]:
        """Return the steps of a run that ended, which its end is to be stored with."""
        async with self._storing:
            self._runs.pop(run.id, None)
            return list(self._waiting[run.workspace_id].pop(run.id, {}).values())

    def _forget(self, workspace_id: str, steps: Sequence[Step]) -> None:
        # A step may have gone on while it was being stored.
        runs = self._waiting[workspace_id]
        for step in steps:
            if runs[step.run_id][step.id] is step:
                del runs[step.run_id][step.id]
        for run_id in {step.run_id for step in steps}:
            if not runs[run_id]:
                del runs[run_id]

    async def _flush_all(self) -> None:
        pause = SECONDS
        while any(self._waiting.values()):
            await self._clock.sleep(pause)
            pause = SECONDS if await self.flush() else min(2 * pause, LONGEST_PAUSE)
        self._flusher = None


@dataclass(frozen=True, slots=True)
class MemoryTraceSink:
    """Where the steps of one run go."""

    trace: MemoryTrace
    workspace_id: str

    def write(self, step: Step) -> None:
        """Take a step."""
        self.trace.write(self.workspace_id, step)

    async def flush(self) -> None:
        """Return when everything taken is stored."""
        await self.trace.flush()
