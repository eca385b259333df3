"""A run ends once."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from orbiter.domain.errors import Conflict
from orbiter.domain.runs import Run, RunError, RunStatus, Trigger

AT = datetime(2026, 11, 24, tzinfo=UTC)
QUEUED = Run(
    id="r", workspace_id="w", project_id="p", version=1, trigger=Trigger.MANUAL, queued_at=AT
)
ENDINGS: list[Callable[[Run], Run]] = [
    lambda run: run.complete("done", at=AT),
    lambda run: run.fail(RunError(code="X", message="no"), at=AT),
    lambda run: run.cancel(at=AT),
]


@pytest.mark.parametrize("first", ENDINGS)
@pytest.mark.parametrize("second", ENDINGS)
def test_an_ended_run_never_changes(
    first: Callable[[Run], Run], second: Callable[[Run], Run]
) -> None:
    with pytest.raises(Conflict):
        second(first(QUEUED))


def test_the_duration_counts_from_the_start_not_from_the_queue() -> None:
    run = QUEUED.start(at=AT + timedelta(seconds=5)).complete(1, at=AT + timedelta(seconds=7))
    assert (run.status, run.duration_ms) == (RunStatus.COMPLETED, 2000)
