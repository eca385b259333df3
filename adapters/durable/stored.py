"""The whole trace of a run, as it is stored."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Final

from orbiter.application.paging import PageRequest
from orbiter.application.ports.storage import UnitOfWork
from orbiter.domain.errors import NotFound
from orbiter.domain.runs import Spending, Step, StepError

STEPS_AT_ONCE: Final = 500


async def stored_steps(uow: UnitOfWork, run_id: str) -> Mapping[str, Step]:
    """Return every step of a run, by id."""
    request = PageRequest(limit=STEPS_AT_ONCE, newest_first=False)
    steps: dict[str, Step] = {}
    while True:
        page = await uow.runs.steps(run_id, request)
        steps.update((step.id, step) for step in page.items)
        if page.next_after is None:
            return steps
        request = replace(request, after=page.next_after)


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
