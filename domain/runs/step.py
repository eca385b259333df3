"""A step of a run's trace: one node and iteration, or a call made inside it."""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from orbiter.domain.runs.run import Usage


class StepKind(StrEnum):
    """What happened in the step."""

    NODE = "node"
    MODEL = "model"
    TOOL = "tool"
    RETRIEVAL = "retrieval"


class StepStatus(StrEnum):
    """Where the step stands."""

    COMPLETED = "completed"
    FAILED = "failed"
    SKIPPED = "skipped"
    RUNNING = "running"
    WAITING = "waiting"


@dataclass(frozen=True, slots=True, kw_only=True)
class StepError:
    """Why the step failed for good."""

    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One line of a trace; *sequence* is its place, counted from 0 in the order of starting.

    *attempt* is how many attempts it took, *logs* tell of those that failed before. *usage* and
    *cost_usd* are those of the calls made in it; a cost of None is unknown. One that is *reused*
    was carried over from an earlier run, whose times it keeps.
    """

    id: str
    run_id: str
    sequence: int
    parent_step_id: str | None = None
    node_id: str | None
    kind: StepKind = StepKind.NODE
    name: str
    iteration: int | None = None
    attempt: int = 1
    status: StepStatus = StepStatus.RUNNING
    input: Any = None
    output: Any = None
    error: StepError | None = None
    usage: Usage = Usage()
    cost_usd: Decimal | None = Decimal(0)
    model: str | None = None
    logs: tuple[str, ...] = ()
    reused: bool = False
    started_at: datetime | None = None
    finished_at: datetime | None = None

    @property
    def ended(self) -> bool:
        """Say whether nothing more happens in it."""
        return self.status not in (StepStatus.RUNNING, StepStatus.WAITING)

    @property
    def charged(self) -> bool:
        """Say whether the run pays for it.

        What a node or a tool has spent was spent by the calls in it; what is reused was paid for by
        the run that it comes from.
        """
        return self.kind in (StepKind.MODEL, StepKind.RETRIEVAL) and not self.reused

    @property
    def given_up(self) -> bool:
        """Say whether it was stopped because nothing waited for its result any more."""
        return self.status is StepStatus.SKIPPED and self.started_at is not None

    @property
    def question(self) -> str:
        """Return the key under which the answer is recorded that this attempt waits for."""
        return f"{self.id}:{self.sequence}.{self.attempt}:answer"

    @property
    def duration_ms(self) -> int | None:
        """Return the milliseconds from start to end, None until it has ended."""
        if self.started_at is None or self.finished_at is None:
            return None
        return round((self.finished_at - self.started_at).total_seconds() * 1000)

    def wait(self) -> "Step":
        """Stand still until what the node waits for has come."""
        return replace(self, status=StepStatus.WAITING)

    def complete(self, output: Any, *, at: datetime) -> "Step":
        """End well."""
        return replace(self, status=StepStatus.COMPLETED, output=output, finished_at=at)

    def fail(self, error: StepError, *, at: datetime, output: Any = None) -> "Step":
        """End badly; *output* is what the graph goes on with, if it does."""
        return replace(self, status=StepStatus.FAILED, error=error, output=output, finished_at=at)

    def give_up(self, why: str, *, at: datetime) -> "Step":
        """End without a result, because nothing waits for one any more."""
        logs = (*self.logs, why)
        return replace(self, status=StepStatus.SKIPPED, logs=logs, finished_at=at)
