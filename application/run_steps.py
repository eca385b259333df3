"""The whole trace of a run, as it is stored."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from orbiter.application.paging import PageRequest
from orbiter.application.ports.storage import UnitOfWork
from orbiter.domain.runs import Step

_AT_ONCE: Final = 500


async def steps_of_run(uow: UnitOfWork, run_id: str) -> Sequence[Step]:
    """Return every step of a run, in the order they started."""
    request = PageRequest(limit=_AT_ONCE, newest_first=False)
    steps = list[Step]()
    while True:
        page = await uow.runs.steps(run_id, request)
        steps += page.items
        if page.next_after is None:
            return steps
        request = replace(request, after=page.next_after)
