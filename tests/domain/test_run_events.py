"""What a run and its steps tell, in which order, and that nothing is told twice."""

from dataclasses import replace
from datetime import timedelta
from typing import Final

from hypothesis import given
from hypothesis import strategies as st

from orbiter.domain.run_events import ENDED, RunEvent, RunEventType, events_of, numbered
from orbiter.domain.runs import Run, RunStatus, Step, StepStatus, Trigger
from support.clock import START

RUN: Final = Run(
    id="run",
    workspace_id="workspace",
    project_id="project",
    version=1,
    trigger=Trigger.MANUAL,
    queued_at=START,
    started_at=START,
    status=RunStatus.RUNNING,
)
ENDS: Final = {
    RunEventType.STEP_COMPLETED,
    RunEventType.STEP_FAILED,
    RunEventType.STEP_SKIPPED,
}


@st.composite
def traces(draw: st.DrawFn) -> list[Step]:
    """Return the steps of a run as a tree, each within the time of the one it is in."""
    steps: list[Step] = []
    for number in range(draw(st.integers(0, 8))):
        parent = draw(st.sampled_from([None, *steps]))
        since = START if parent is None else parent.started_at or START
        until = since + timedelta(seconds=9) if parent is None else parent.finished_at or since
        began = since + (until - since) * draw(st.sampled_from([0.0, 0.25, 0.5]))
        status = draw(st.sampled_from(list(StepStatus)))
        ended = began + (until - began) * draw(st.sampled_from([0.0, 0.5, 1.0]))
        steps.append(
            Step(
                id=f"step-{number}",
                run_id=RUN.id,
                sequence=number,
                parent_step_id=parent.id if parent else None,
                node_id="node",
                name="node",
                status=status,
                started_at=None if status is StepStatus.SKIPPED else began,
                finished_at=ended if status in (StepStatus.COMPLETED, StepStatus.FAILED) else None,
            )
        )
    return steps


@given(traces(), st.randoms())
def test_the_order_of_the_steps_given_does_not_matter(steps: list[Step], chance: object) -> None:
    shuffled = list(steps)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert events_of(RUN, shuffled, now=START) == events_of(RUN, steps, now=START)


@given(traces())
def test_every_step_starts_before_it_ends_and_each_once(steps: list[Step]) -> None:
    events = events_of(RUN, steps, now=START)
    for step in steps:
        types = [event.type for event in events if event.step and event.step.id == step.id]
        match step.status:
            case StepStatus.SKIPPED:
                assert types == [RunEventType.STEP_SKIPPED]
            case StepStatus.RUNNING | StepStatus.WAITING:
                assert types == [RunEventType.STEP_STARTED]
            case _:
                assert types[0] is RunEventType.STEP_STARTED
                assert types[1] in ENDS
                assert len(types) == 2
    assert [event.at for event in events] == sorted(event.at for event in events)


@given(traces(), st.lists(st.integers(0, 100), max_size=5))
def test_telling_by_and_by_tells_each_thing_once(steps: list[Step], cuts: list[int]) -> None:
    log: list[RunEvent] = []
    ended = RUN.complete("done", at=START + timedelta(seconds=10))
    for cut in sorted(cuts):
        append(log, events_of(RUN, steps[:cut], now=START))
    append(log, events_of(ended, steps, now=START))
    append(log, events_of(ended, steps, now=START))
    assert [event.sequence for event in log] == list(range(1, len(log) + 1))
    whole = {event.once for event in events_of(ended, steps, now=START)}
    assert [event.once for event in log if event.once not in whole] == []
    assert len(log) == len(whole)
    assert log[0].type is RunEventType.RUN_STARTED
    assert log[-1].type is RunEventType.RUN_COMPLETED


@given(traces())
def test_what_was_carried_over_is_not_told(steps: list[Step]) -> None:
    carried_over = [replace(step, reused=True) for step in steps[:3]]
    told = events_of(RUN, [*carried_over, *steps[3:]], now=START)
    ids = {event.step.id for event in told if event.step}
    assert ids == {step.id for step in steps[3:]}


def test_nothing_follows_the_end() -> None:
    events = events_of(RUN, [], now=START)
    assert numbered(events, {ENDED}, 5) == []


def test_a_start_shows_nothing_of_the_end() -> None:
    ended = RUN.complete("done", at=START + timedelta(seconds=10))
    step = Step(id="s", run_id=RUN.id, sequence=0, node_id="n", name="n", started_at=START)
    done = step.complete("out", at=START + timedelta(seconds=1))
    started, step_started, step_ended, run_ended = events_of(ended, [done], now=START)
    assert (started.run, run_ended.run) == (RUN, ended)
    assert (step_started.step, step_ended.step) == (step, done)


def test_a_queued_run_tells_nothing() -> None:
    queued = Run(
        id="run",
        workspace_id="workspace",
        project_id="project",
        version=1,
        trigger=Trigger.MANUAL,
        queued_at=START,
    )
    assert events_of(queued, [], now=START) == []
    cancelled = queued.cancel(at=START)
    assert [event.type for event in events_of(cancelled, [], now=START)] == [
        RunEventType.RUN_CANCELLED
    ]


def append(log: list[RunEvent], events: object) -> None:
    told = {event.once for event in log if event.once}
    log.extend(numbered(events, told, len(log)))  # type: ignore[arg-type]
