"""Live events of runs: written with what they tell, followed as they come."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

from orbiter.application.execution.sizes import preview_of
from orbiter.application.paging import PageRequest
from orbiter.application.ports.run_events import RunFeed, Subscription
from orbiter.application.ports.storage import UnitOfWork
from orbiter.application.ports.system import Clock
from orbiter.application.work import Work
from orbiter.domain.errors import NotFound, Unavailable
from orbiter.domain.identity import Actor, Permission
from orbiter.domain.run_events import FINAL, RunEvent, events_of, numbered
from orbiter.domain.runs import Run, RunStatus, Step

PAGE: Final = 100
TRACE_PAGE: Final = 500
VALUE_MAX: Final = 16 * 1024
BEAT_SECONDS: Final = 15.0
# So that nobody listens on for long whose session or key has ended.
LONGEST: Final = timedelta(hours=1)
# Ends that an engine stores; a cancelled run may have steps under way.
_MADE_UP: Final = frozenset({RunStatus.COMPLETED, RunStatus.FAILED})
# How long a word that got lost may delay a reader.
NET_SECONDS: Final = 5.0


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
    ) -> AsyncGenerator[RunEvent | None, None] | None:
        """Return the events beyond the sequence *after* as they come, to the run's end.

        None among them says that nothing has come for 15 seconds; None instead of them, that the
        run has ended and everything was told. Nothing is read ahead of whoever reads. They end
        early after an hour, when storage is down, or as the process is about to end.
        """
        reader = _Reader(self.work, actor, permission, run_id, after)
        first = await reader.more()
        return None if reader.done and not first else self._told(reader, first)

    async def _told(
        self, reader: "_Reader", events: Sequence[RunEvent]
    ) -> AsyncGenerator[RunEvent | None, None]:
        until = self.work.clock.now() + LONGEST
        with self.feed.subscribe(reader.run_id) as ear:
            for event in events:
                yield event
            quiet = 0.0
            while not (reader.done or ear.closed or self.work.clock.now() >= until):
                try:
                    events = await reader.more()
                except (NotFound, Unavailable):
                    return
                for event in events:
                    yield event
                quiet = 0.0 if events else quiet
                if len(events) == PAGE or reader.done:
                    continue
                if not await self._heard(ear, reader.after):
                    quiet += NET_SECONDS
                if quiet >= BEAT_SECONDS:
                    quiet = 0.0
                    yield None

    async def _heard(self, ear: Subscription, after: int) -> bool:
        """Say whether there is more to read, or that nothing was heard for a while."""
        heard = asyncio.ensure_future(ear.beyond(after))
        slept = asyncio.ensure_future(self.work.clock.sleep(NET_SECONDS))
        try:
            await asyncio.wait({heard, slept}, return_when=asyncio.FIRST_COMPLETED)
            return heard.done()
        finally:
            heard.cancel()
            slept.cancel()
            await asyncio.gather(heard, slept, return_exceptions=True)


@dataclass(slots=True)
class _Reader:
    """How far somebody has read a run's events; *done* when there are no more to come."""

    work: Work
    actor: Actor
    permission: Permission
    run_id: str
    after: int
    done: bool = False

    async def more(self) -> Sequence[RunEvent]:
        """Return the next events, none when there are none yet; raise NotFound."""
        async with self.work(self.actor, self.permission, reading=True) as uow:
            events = await self._page(uow)
            if not events:
                run = await uow.runs.get(self.run_id)
                if run.ended:
                    # Those of its end were committed with it, so that now they are there.
                    events = await self._page(uow) or await self._made_up(uow, run)
                    self.done = not events
        if events:
            self.after = events[-1].sequence
            self.done = events[-1].type in FINAL
        return events

    async def _page(self, uow: UnitOfWork) -> Sequence[RunEvent]:
        return await uow.run_events.page(self.run_id, after=self.after, limit=PAGE)

    async def _made_up(self, uow: UnitOfWork, run: Run) -> Sequence[RunEvent]:
        """Return what is left to tell of a run that was stored with its end, without events."""
        if await uow.run_events.page(run.id, after=0, limit=1):
            return ()
        events = _events_of(run, await _trace(uow, run.id), self.work.clock)
        return numbered(events, (), 0)[self.after :]


def _events_of(run: Run, steps: Sequence[Step], clock: Clock) -> Sequence[RunEvent]:
    shown = replace(run, inputs=_preview(run.inputs), output=_preview(run.output))
    return events_of(shown, map(_shown, steps), now=clock.now())


def _shown(step: Step) -> Step:
    return replace(step, input=_preview(step.input), output=_preview(step.output))


def _preview(value: Any) -> Any:
    return preview_of(value, VALUE_MAX)[0]


async def _trace(uow: UnitOfWork, run_id: str) -> Sequence[Step]:
    request = PageRequest(limit=TRACE_PAGE, newest_first=False)
    steps = list[Step]()
    while True:
        page = await uow.runs.steps(run_id, request)
        steps += page.items
        if page.next_after is None:
            return steps
        request = replace(request, after=page.next_after)
