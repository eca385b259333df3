"""What becomes of the steps of a run that was cut off."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime

from orbiter.application.ports.storage import UnitOfWork
from orbiter.domain.errors import NotFound
from orbiter.domain.runs import Spending, Step, StepError


async def charge(uow: UnitOfWork, run_id: str, steps: Iterable[Step]) -> None:
    """Store what a run that was cut off has spent, which *steps* tell; nothing if it is gone."""
    spending = Spending()
    for step in steps:
        if step.charged:
            spending = spending.plus(step.usage, step.cost_usd)
    with suppress(NotFound):
        run = await uow.runs.get(run_id)
        await uow.runs.save(run.charge(spending.usage, spending.cost_usd))


def closed(steps: Iterable[Step], reason: StepError, *, at: datetime) -> Sequence[Step]:
    """Return those that had not ended, failed for *reason*."""
    return [step.fail(reason, at=at) for step in steps if not step.ended]
