"""What happened to a run, one event after the other, as whoever watches it is told."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final

from orbiter.domain.runs import Run, RunStatus, Step, StepStatus, Usage


class RunEventType(StrEnum):
    """What is told."""

    RUN_STARTED = "run.started"
    RUN_WAITING = "run.waiting"
    RUN_COMPLETED = "run.completed"
    RUN_FAILED = "run.failed"
    RUN_CANCELLED = "run.cancelled"
    STEP_STARTED = "step.started"
    STEP_DELTA = "step.delta"
    STEP_COMPLETED = "step.completed"
    STEP_FAILED = "step.failed"
    STEP_SKIPPED = "step.skipped"


FINAL: Final = frozenset(
    {RunEventType.RUN_COMPLETED, RunEventType.RUN_FAILED, RunEventType.RUN_CANCELLED}
)
BEGAN: Final = "began"
ENDED: Final = "ended"

_ENDS: Final = {
    StepStatus.COMPLETED: RunEventType.STEP_COMPLETED,
    StepStatus.FAILED: RunEventType.STEP_FAILED,
    StepStatus.SKIPPED: RunEventType.STEP_SKIPPED,
}
_STANDS: Final = {
    RunStatus.WAITING: RunEventType.RUN_WAITING,
    RunStatus.COMPLETED: RunEventType.RUN_COMPLETED,
    RunStatus.FAILED: RunEventType.RUN_FAILED,
    RunStatus.CANCELLED: RunEventType.RUN_CANCELLED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEvent:
    """One event; *sequence* counts a run's from 1 without gaps, 0 is one not in the log yet.

    *step* or *run* is what it tells of, as it stood then.
    """

    run_id: str
    sequence: int = 0
    type: RunEventType
    at: datetime
    step: Step | None = None
    run: Run | None = None

    @property
    def once(self) -> str | None:
        """Return what of the run this tells that is told once; None when it may be told again."""
        if self.step is not None:
            word = BEGAN if self.type is RunEventType.STEP_STARTED else ENDED
            return f"{self.step.id} {word}"
        if self.type is RunEventType.RUN_WAITING:
            return None
        return ENDED if self.type in FINAL else BEGAN


@dataclass(frozen=True, slots=True, kw_only=True)
class Delta:
    """What a model is just saying in a step: told to who listens, and kept nowhere.

    *sequence* is that of the last event told before.
    """

    run_id: str
    sequence: int
    step_id: str
    text: str
    at: datetime


def events_of(run: Run, steps: Iterable[Step], *, now: datetime) -> Sequence[RunEvent]:
    """Return what a run and *steps* of it tell: its start, theirs, their ends, how it stands.

    The same whenever it is asked for, but for *now*, which is when a run is told to wait. Steps
    that were carried over happened in another run, whose events tell them.
    """
    told = list[RunEvent]()
    if run.started_at is not None:
        begun = _begun_run(run)
        told.append(
            RunEvent(run_id=run.id, type=RunEventType.RUN_STARTED, at=run.started_at, run=begun)
        )
    told += _events_of_steps(run, (step for step in steps if not step.reused))
    if run.status in _STANDS:
        at = run.finished_at or now
        told.append(RunEvent(run_id=run.id, type=_STANDS[run.status], at=at, run=run))
    return told


def numbered(events: Iterable[RunEvent], told: Iterable[str], after: int) -> Sequence[RunEvent]:
    """Return *events* counted on from *after*, without what was *told* and what follows the end."""
    known, numbered = set(told), list[RunEvent]()
    for event in events:
        if ENDED in known:
            break
        if event.once is None or event.once not in known:
            numbered.append(replace(event, sequence=after + len(numbered) + 1))
            known |= {event.once} if event.once else set()
    return numbered


def _events_of_steps(run: Run, steps: Iterable[Step]) -> Sequence[RunEvent]:
    told, latest = list[RunEvent](), run.started_at or run.queued_at
    for type_, step in _nested(None, _by_parent(steps)):
        latest = _when(type_, step) or latest
        shown = _begun_step(step) if type_ is RunEventType.STEP_STARTED else step
        told.append(RunEvent(run_id=run.id, type=type_, at=latest, step=shown))
    # By time, and where that is the same, what is inside between the ends of what it is in.
    return sorted(told, key=lambda event: event.at)


def _by_parent(steps: Iterable[Step]) -> Mapping[str | None, Sequence[Step]]:
    ordered = sorted(steps, key=lambda step: step.sequence)
    known = {step.id for step in ordered}
    inside: dict[str | None, list[Step]] = {}
    for step in ordered:
        parent = step.parent_step_id if step.parent_step_id in known else None
        inside.setdefault(parent, []).append(step)
    return inside


def _nested(
    parent: str | None, inside: Mapping[str | None, Sequence[Step]]
) -> Iterator[tuple[RunEventType, Step]]:
    for step in inside.get(parent, ()):
        if step.status is not StepStatus.SKIPPED:
            yield RunEventType.STEP_STARTED, step
        yield from _nested(step.id, inside)
        if step.status in _ENDS:
            yield _ENDS[step.status], step


def _when(type_: RunEventType, step: Step) -> datetime | None:
    if type_ is RunEventType.STEP_STARTED or step.started_at is None:
        return step.started_at
    # Another machine's clock may be behind.
    return max(step.started_at, step.finished_at or step.started_at)


def _begun_run(run: Run) -> Run:
    return replace(
        run,
        status=RunStatus.RUNNING,
        output=None,
        error=None,
        usage=Usage(),
        cost_usd=Decimal(0),
        finished_at=None,
    )


def _begun_step(step: Step) -> Step:
    if step.status not in _ENDS:
        return step
    return replace(
        step,
        status=StepStatus.RUNNING,
        attempt=1,
        input=None,
        output=None,
        error=None,
        usage=Usage(),
        cost_usd=Decimal(0),
        logs=(),
        finished_at=None,
    )
