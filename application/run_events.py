"""Live events of runs: written with what they tell, followed as they come."""

import asyncio
from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from orbiter.application.execution.sizes import preview_of
from orbiter.application.ports.run_events import RunFeed, Subscription
from orbiter.application.ports.storage import UnitOfWork
from orbiter.application.ports.system import Clock
from orbiter.application.run_steps import steps_of_run
from orbiter.application.work import Work
from orbiter.domain.errors import NotFound, Unavailable
from orbiter.domain.identity import Actor, Permission
from orbiter.domain.run_events import FINAL, Delta, RunEvent, events_of, numbered
from orbiter.domain.runs import Run, RunStatus, Step, StepKind

PAGE: Final = 100
VALUE_MAX: Final = 16 * 1024
BEAT: Final = timedelta(seconds=15)
# So that nobody listens on for long whose session or key has ended.
LONGEST: Final = timedelta(hours=1)
# Ends that an engine stores; a cancelled run may have steps under way.
_MADE_UP: Final = frozenset({RunStatus.COMPLETED, RunStatus.FAILED})
# How long a word that got lost may delay a reader.
NET_SECONDS: Final = 5.0
# How long what is said waits for the event that its step has begun.
HOLD: Final = timedelta(milliseconds=30)

# What somebody who follows a run is told; None is a sign of life.
Told = RunEvent | Delta | None


@dataclass(frozen=True, slots=True)
class Chronicle:
    """Writes events in the transactions that store what they tell, and wakes their readers."""

    feed: RunFeed
    clock: Clock

    async def of_run(self, uow: UnitOfWork, run: Run, steps: Sequence[Step] = ()) -> None:
        """Tell how a stored run stands, and before that of *steps* stored with it.

        What was told before is not told again, so that it does no harm to tell too much.
        """
        if run.status in _MADE_UP and not await uow.run_events.page(run.id, after=0, limit=1):
            # Its whole trace is stored with its end: what there is to tell can be told from that.
            await self._announce(uow, run.id, 0, ended=True)
            return
        await self.of_runs(uow, [(run, steps)])

    async def of_runs(self, uow: UnitOfWork, told: Sequence[tuple[Run, Sequence[Step]]]) -> None:
        """Tell of stored runs and steps at once; none of those whose whole trace is stored."""
        events = {run.id: _events_of(run, steps, self.clock) for run, steps in told}
        wanted = {run_id: some for run_id, some in events.items() if some}
        added = await uow.run_events.append(wanted) if wanted else {}
        for run_id, some in added.items():
            await self._announce(uow, run_id, some[-1].sequence, ended=some[-1].type in FINAL)

    async def of_steps(self, uow: UnitOfWork, run: Run, steps: Sequence[Step]) -> None:
        """Tell of stored *steps* of a run that goes on, whatever is known of how it stands."""
        await self.of_run(uow, replace(run, status=RunStatus.RUNNING), steps)

    async def _announce(self, uow: UnitOfWork, run_id: str, sequence: int, *, ended: bool) -> None:
        await uow.run_events.announce(run_id, sequence, ended=ended)
        uow.after_commit(lambda: self.feed.publish(run_id, sequence, ended=ended))


@dataclass(frozen=True, slots=True)
class RunEventHandlers:
    """What an actor may hear of a run."""

    work: Work
    feed: RunFeed

    async def follow(
        self,
        actor: Actor,
        run_id: str,
        *,
        after: int = 0,
        permission: Permission = Permission.RUNS_READ,
    ) -> AsyncGenerator[Told, None] | None:
        """Return the events beyond the sequence *after* as they come, to the run's end, and what
        models say meanwhile.

        None among them says that nothing has come for 15 seconds; None instead of them, that the
        run has ended and everything was told. Nothing is read ahead of whoever reads: of what is
        said some is lost to a slow one. They end early after an hour, when storage is down, or as
        the process is about to end.
        """
        reader = _Reader(self.work, actor, permission, run_id, after)
        told = self._told(reader)
        # Begun at once: what is said before somebody comes to read is not lost.
        await anext(told)
        if reader.done and not reader.events:
            await told.aclose()
            return None
        return told

    async def _told(self, reader: "_Reader") -> AsyncGenerator[Told, None]:
        clock = self.work.clock
        with self.feed.subscribe(reader.run_id, speech=True) as ear:
            await reader.read()
            yield None
            until, quiet_since = clock.now() + LONGEST, clock.now()
            while True:
                for each in reader.told(ear.said()):
                    yield each
                    quiet_since = clock.now()
                if reader.done or ear.closed or clock.now() >= until:
                    return
                if clock.now() - quiet_since >= BEAT:
                    yield None
                    quiet_since = clock.now()
                if reader.full or await self._heard(ear, reader, quiet_since + BEAT):
                    try:
                        await reader.read()
                    except (NotFound, Unavailable):
                        return

    async def _heard(self, ear: Subscription, reader: "_Reader", until: datetime) -> bool:
        """Return once something was heard or time has passed; say whether to look for events."""
        pause = min(reader.patience(), (until - self.work.clock.now()).total_seconds())
        waits = [
            asyncio.ensure_future(ear.beyond(reader.after)),
            asyncio.ensure_future(self.work.clock.sleep(pause)),
            asyncio.ensure_future(ear.speech()),
        ]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            return waits[0].done() or waits[1].done()
        finally:
            for each in waits:
                each.cancel()
            await asyncio.gather(*waits, return_exceptions=True)


@dataclass(slots=True)
class _Reader:
    """How far somebody has read a run's events; *done* when there are no more to come.

    *events* were read and not told yet, *last* is the one told last. What is said is *held* until
    its step is among those that have *begun*, unless the reader came later than the first event;
    the steps that are *over* say no more.
    """

    work: Work
    actor: Actor
    permission: Permission
    run_id: str
    after: int
    done: bool = False
    events: Sequence[RunEvent] = ()
    full: bool = False
    last: int = field(init=False)
    looked_at: datetime = field(init=False)
    holds: bool = field(init=False)
    held: list[tuple[str, str]] = field(default_factory=list)
    held_since: datetime = field(init=False)
    begun: set[str] = field(default_factory=set)
    over: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.last = self.after
        self.holds = self.after == 0

    def patience(self) -> float:
        """Return for how many seconds nothing has to be done unless something is heard."""
        now = self.work.clock.now()
        patience = NET_SECONDS - (now - self.looked_at).total_seconds()
        if self.held:
            patience = min(patience, (self.held_since + HOLD - now).total_seconds())
        return max(patience, 0)

    async def read(self) -> None:
        """Read the next events, none when there are none yet; raise NotFound."""
        self.looked_at = self.work.clock.now()
        async with self.work(self.actor, self.permission, reading=True) as uow:
            self.events = await self._page(uow)
            if not self.events:
                run = await uow.runs.get(self.run_id)
                if run.ended:
                    # Those of its end were committed with it, so that now they are there.
                    self.events = await self._page(uow) or await self._made_up(uow, run)
                    self.done = not self.events
        self.full = len(self.events) == PAGE
        if self.events:
            self.after = self.events[-1].sequence
            self.done = self.events[-1].type in FINAL

    def told(self, said: Sequence[tuple[str, str]]) -> Iterator[RunEvent | Delta]:
        """Yield the events read, and what was *said*, in each step between its events."""
        said = [*self.held, *said]
        events, self.events = self.events, ()
        for event in events:
            if event.step is not None and event.step.kind is StepKind.MODEL:
                if event.step.ended:
                    yield from self._deltas(each for each in said if each[0] == event.step.id)
                    self.over.add(event.step.id)
                self.begun.add(event.step.id)
            yield event
            self.last = event.sequence
        yield from self._deltas(self._released(said))

    def _released(self, said: Sequence[tuple[str, str]]) -> Sequence[tuple[str, str]]:
        """Hold back what is said in steps that have not begun yet; return what may be told."""
        now = self.work.clock.now()
        if self.held and now - self.held_since >= HOLD:
            self.begun.update(step_id for step_id, _ in said)
        early = {step_id for step_id, _ in said if self.holds} - self.begun
        if early and not self.held:
            self.held_since = now
        self.held = [each for each in said if each[0] in early]
        return [each for each in said if each[0] not in early]

    def _deltas(self, said: Iterable[tuple[str, str]]) -> Iterator[Delta]:
        for step_id, text in said:
            if step_id not in self.over:
                yield Delta(
                    run_id=self.run_id,
                    sequence=self.last,
                    step_id=step_id,
                    text=text,
                    at=self.work.clock.now(),
                )

    async def _page(self, uow: UnitOfWork) -> Sequence[RunEvent]:
        return await uow.run_events.page(self.run_id, after=self.after, limit=PAGE)

    async def _made_up(self, uow: UnitOfWork, run: Run) -> Sequence[RunEvent]:
        """Return what is left to tell of a run that was stored with its end, without events."""
        if await uow.run_events.page(run.id, after=0, limit=1):
            return ()
        events = _events_of(run, await steps_of_run(uow, run.id), self.work.clock)
        return numbered(events, (), 0)[self.after :]


def _events_of(run: Run, steps: Sequence[Step], clock: Clock) -> Sequence[RunEvent]:
    shown = replace(run, inputs=_preview(run.inputs), output=_preview(run.output))
    return events_of(shown, map(_shown, steps), now=clock.now())


def _shown(step: Step) -> Step:
    return replace(step, input=_preview(step.input), output=_preview(step.output))


def _preview(value: Any) -> Any:
    return preview_of(value, VALUE_MAX)[0]
