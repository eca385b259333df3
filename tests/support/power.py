"""Runs executed in a process that can be killed whenever it records something."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from orbiter.application.ports.execution import (
    Done,
    Effect,
    EffectError,
    EffectFailed,
    Parked,
    Past,
    Segment,
)
from orbiter.application.ports.executions import Recorded
from orbiter.domain.runs import Run, Step
from orbiter.domain.workflows import Retry, WorkflowVersion
from support.graphs import Laboratory, Traced, a_started_run
from support.virtual_time import VirtualClock

LONG_SECONDS = 5.0


class PowerCut(BaseException):
    """The process was killed."""


@dataclass
class Disk:
    """What outlives the process: records by key, and the last of each step."""

    records: dict[str, Recorded] = field(default_factory=dict)
    steps: dict[str, Step] = field(default_factory=dict)


@dataclass
class Process:
    """Runs effects and takes steps until it has recorded *lives* times, if that is set.

    The last *lost* steps that it wrote are lost with it, unless it had flushed them.
    """

    disk: Disk
    clock: VirtualClock
    lives: int | None = None
    lost: int = 0
    recorded: int = 0
    stored: int = 0
    dead: bool = False
    written: list[Step] = field(default_factory=list)

    def write(self, step: Step) -> None:
        if not self.dead:
            self.written.append(step)

    async def flush(self) -> None:
        if not self.dead:
            self.stored = len(self.written)

    async def run(
        self, key: str, effect: Effect, *, retry: Retry, timeout_seconds: float | None
    ) -> Done:
        self._require_life()
        if key not in self.disk.records:
            self._record(await self._attempted(key, effect, retry, timeout_seconds))
        return _told(self.disk.records[key])

    async def sleep(self, key: str, seconds: float) -> None:
        if seconds <= 0:
            return
        end = (self.clock.now() + timedelta(seconds=seconds)).isoformat()
        until = datetime.fromisoformat(await self.decide(key, end))
        left = (until - self.clock.now()).total_seconds()
        if left > LONG_SECONDS:
            raise Parked(until)
        if left > 0:
            await self.clock.sleep(left)
        self._require_life()

    async def answer(self, key: str, *, until: datetime | None = None) -> Any:
        self._require_life()
        if key not in self.disk.records:
            raise Parked(until)
        return self.disk.records[key].value

    async def decide(self, key: str, value: Any) -> Any:
        self._require_life()
        if key not in self.disk.records:
            self._record(Recorded(key=key, value=value))
        return self.disk.records[key].value

    def end(self) -> None:
        """Leave to the disk what is not lost."""
        kept = len(self.written) - (self.lost if self.dead else 0)
        self.disk.steps |= {step.id: step for step in self.written[: max(kept, self.stored)]}

    async def _attempted(
        self, key: str, effect: Effect, retry: Retry, timeout_seconds: float | None
    ) -> Recorded:
        failures: list[tuple[str, str]] = []
        while len(failures) < retry.max_attempts:
            try:
                async with asyncio.timeout(timeout_seconds):
                    value = await effect()
                    self._require_life()
                    return Recorded(key=key, value=value, failures=tuple(failures))
            except EffectError as error:
                failures.append((error.code, error.message))
            self._require_life()
        return Recorded(key=key, failures=tuple(failures), failed=True)

    def _record(self, recorded: Recorded) -> None:
        self._require_life()
        self.disk.records[recorded.key] = recorded
        self.recorded += 1
        if self.recorded == self.lives:
            self.dead = True
            raise PowerCut

    def _require_life(self) -> None:
        if self.dead:
            raise PowerCut


def _told(recorded: Recorded) -> Done:
    failures = [EffectError(code, message) for code, message in recorded.failures]
    if recorded.failed:
        raise EffectFailed(failures)
    return Done(value=recorded.value, failures=tuple(failures))


@dataclass
class House:
    """Where runs are taken up again, however often the power is cut."""

    lab: Laboratory
    graph: WorkflowVersion
    inputs: Mapping[str, Any] = field(default_factory=dict)
    run_id: str | None = None
    disk: Disk = field(default_factory=Disk)
    begun_run: Run | None = None
    segments: int = 0
    recorded: int = 0

    def __post_init__(self) -> None:
        self.begun = self.lab.clock.now()
        self.run: Run = self.begun_run or a_started_run(self.graph, self.run_id, self.inputs)

    async def segment(self, lives: int | None = None, lost: int = 0) -> Segment | None:
        """Return how one process left the run, None if it was killed."""
        process = Process(self.disk, self.lab.clock, lives=lives, lost=lost)
        past = Past(steps=dict(self.disk.steps))
        running = self.run.start(at=self.lab.clock.now())
        work = self.lab.executor.execute(running, self.graph, process, process, past)
        self.segments += 1
        try:
            segment = await self.lab.clock.through(work)
        except PowerCut:
            segment = None
        finally:
            process.end()
            self.recorded += process.recorded
        if segment is not None:
            self.run = segment.run
        return segment

    async def to_the_end(self, *lives: int, lost: int = 0) -> Traced:
        """Return the ended run; the processes that execute it are killed after so many *lives*."""
        for each in lives:
            segment = await self.segment(each, lost)
            if segment is not None and segment.run.ended:
                break
            self._pass_time(segment)
        while not self.run.ended:
            segment = await self.segment()
            if not self.run.ended:
                assert segment is not None and segment.wake_at is not None, "It waits for ever"
                self._pass_time(segment)
        return self.traced()

    def traced(self) -> Traced:
        steps = sorted(self.disk.steps.values(), key=lambda step: step.sequence)
        return Traced(self.run, steps, (self.lab.clock.now() - self.begun).total_seconds())

    def answer(
        self, node_id: str, value: Any, when: Callable[[Step], bool] = lambda _: True
    ) -> None:
        """Record an answer to each waiting step of a node, unless there is one."""
        for step in self.disk.steps.values():
            if step.node_id == node_id and not step.ended and when(step):
                self.disk.records.setdefault(
                    step.question, Recorded(key=step.question, value=value)
                )

    def _pass_time(self, segment: Segment | None) -> None:
        if segment is not None and segment.wake_at is not None:
            self.lab.clock.advance_to(segment.wake_at)
