"""How runs stand, stored with their steps, their events and the engine's own rows at once."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from orbiter.adapters.durable.lease import Lease
from orbiter.adapters.durable.ledger import Ledger
from orbiter.adapters.durable.stored import charge
from orbiter.application.answers import Answers
from orbiter.application.ports.execution import Segment
from orbiter.application.ports.storage import UnitOfWork
from orbiter.application.run_events import Chronicle
from orbiter.application.run_steps import steps_of_run
from orbiter.domain.runs import Run, RunError, RunStatus, Step, Usage

UNSTORABLE: Final = RunError(code="INTERNAL_ERROR", message="The run can't be stored as it is")

log = logging.getLogger(__name__)


class TakenAway(Exception):
    """Another process has the run; what this one knows of it counts for nothing."""


@dataclass(frozen=True, slots=True)
class Books:
    """Stores how this process leaves runs; nothing once they were taken from it."""

    ledger: Ledger
    lease: Lease
    chronicle: Chronicle
    answers: Answers

    async def keep(self, segment: Segment, steps: Sequence[Step], *, seconds: float) -> None:
        """Store a run that ended or is parked; *seconds* is how long it has run so far.

        What can't be stored as it is ends the run all the same, as failed, with what can be.
        """
        for less, steps_left in _ever_less(segment, steps):
            try:
                return await self._keep(less, steps_left, seconds)
            except TakenAway:
                return log.warning("Run %s was taken over by another process", segment.run.id)
            except Exception as error:
                log.error("Run %s can't be stored as it is", segment.run.id, exc_info=error)

    async def keep_cancelled(self, workspace_id: str, run_id: str, steps: Sequence[Step]) -> None:
        """Store what *steps* of a run had come to when it was cancelled, and what it has spent."""

        async def work(uow: UnitOfWork) -> None:
            await uow.runs.put_steps(steps)
            await charge(uow, run_id, await steps_of_run(uow, run_id))

        await self.ledger.write(workspace_id, work)

    async def discard(self, run_id: str) -> None:
        """Stop keeping a run that ended or is gone."""

        async def work(uow: UnitOfWork) -> bool:
            return await uow.executions.remove(run_id, self.lease.executor_id)

        await self.ledger.write("", work)

    async def _keep(self, segment: Segment, steps: Sequence[Step], seconds: float) -> None:
        run, executor_id = segment.run, self.lease.executor_id

        async def work(uow: UnitOfWork) -> None:
            if not await uow.runs.advance(run):
                return
            if run.ended:
                mine = await uow.executions.remove(run.id, executor_id)
            else:
                mine = await uow.executions.park(
                    run.id, executor_id, wake_at=segment.wake_at, seconds=seconds
                )
            if not mine:
                raise TakenAway
            await uow.runs.put_steps(steps)
            await self.answers.of_run(uow, run)
            await self.chronicle.of_run(uow, run, steps)
            if run.ended and run.parent_run_id is not None:
                await uow.executions.wake(run.parent_run_id)

        await self.ledger.write(run.workspace_id, work)


def _ever_less(segment: Segment, steps: Sequence[Step]) -> Iterator[tuple[Segment, Sequence[Step]]]:
    yield segment, steps
    run = _without_values(segment.run)
    yield Segment(run=run), [_bare(step) for step in steps]
    yield Segment(run=run.charge(Usage(), None)), ()


def _without_values(run: Run) -> Run:
    begun = replace(run, status=RunStatus.RUNNING, output=None, error=None, finished_at=None)
    return begun.fail(UNSTORABLE, at=run.finished_at or run.started_at or run.queued_at)


def _bare(step: Step) -> Step:
    return replace(step, input=None, output=None)
