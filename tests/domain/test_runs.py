"""A run ends once."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from orbiter.domain.errors import Conflict
from orbiter.domain.runs import Run, RunError, RunStatus, Trigger, Usage

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


def test_what_the_steps_have_spent_is_charged_to_the_run() -> None:
    spent = Usage(input_tokens=3, output_tokens=4)
    run = QUEUED.start(at=AT).complete(None, at=AT).charge(spent, Decimal("0.000000001"))
    assert (run.usage.total_tokens, run.cost_usd) == (7, Decimal("0.000000001"))
