"""Events of runs, written where what they tell is stored."""

from collections.abc import Sequence
from typing import Protocol

from orbiter.application.ports.storage import UnitOfWork
from orbiter.domain.runs import Run, Step


class Chronicle(Protocol):
    """Who writes the events of what is stored, in the same transaction."""

    async def of_run(self, uow: UnitOfWork, run: Run, steps: Sequence[Step] = ()) -> None:
        """Tell how a stored run stands, and before that of *steps* stored with it."""
