"""Steps and keys: the same in every execution of a run."""

from dataclasses import replace
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from orbiter.adapters.system.ids import new_id
from orbiter.application.execution.place import Place
from orbiter.domain.runs import RunStatus, StepKind, StepStatus
from orbiter.domain.workflows import Retry, WorkflowVersion
from support.graphs import Laboratory, Steps, a_started_run, graph, node

START, END = node("start", "start"), node("end", "end")


def nested() -> WorkflowVersion:
    return graph(
        START,
        node("outer", "loop", items="[1, 2]", concurrency=2),
        node("inner", "loop", inside="outer", items="[item, 3]"),
        node("wait", "delay", inside="inner", seconds="{{ item }}"),
        END,
        edges="start > outer, outer > end",
    )


class Recorder:
    """A runner that notes the keys of what goes through it."""

    def __init__(self, lab: Laboratory) -> None:
        self.keys: list[str] = []
        self.inner = lab.runner
        self.run = self.inner.run
        self.answer = self.inner.answer
        self.decide = self.inner.decide

    async def sleep(self, key: str, seconds: float) -> None:
        self.keys.append(key)
        await self.inner.sleep(key, seconds)


async def keys_of(drawn: WorkflowVersion, run_id: str) -> list[str]:
    lab = Laboratory()
    recorder = Recorder(lab)
    run = a_started_run(drawn, run_id, {})
    await lab.clock.through(lab.executor.execute(run, drawn, recorder, Steps()))
    return recorder.keys


async def test_every_effect_has_a_key_of_its_own_and_the_same_again() -> None:
    drawn, run_id = nested(), new_id()
    keys = await keys_of(drawn, run_id)
    assert sorted(keys) == [
        f"{run_id}:outer/inner/wait:{outer}.{inner}:1.1" for outer in (0, 1) for inner in (0, 1)
    ]
    assert sorted(await keys_of(drawn, run_id)) == sorted(keys)


async def test_a_loop_that_is_tried_again_has_new_keys() -> None:
    drawn = graph(
        START,
        node("loop", "loop", items="[1]", retry=Retry(max_attempts=2, backoff_seconds=0)),
        node("wait", "delay", inside="loop", seconds=1),
        node("fail", "template", inside="loop", template="{{ 1 / 0 }}"),
        END,
        edges="start > loop, wait > fail, loop > end",
    )
    run_id = new_id()
    keys = await keys_of(drawn, run_id)
    assert keys == [
        f"{run_id}:loop/wait:0:1",
        f"{run_id}:loop:0:2:pause",
        f"{run_id}:loop/wait:0:2",
    ]


async def test_steps_have_the_same_ids_again_and_others_in_another_run() -> None:
    drawn, run_id = nested(), new_id()
    first = await Laboratory().run(drawn, run_id)
    again = await Laboratory().run(drawn, run_id)
    other = await Laboratory().run(drawn)
    assert {step.id for step in first.steps} == {step.id for step in again.steps}
    assert not {step.id for step in first.steps} & {step.id for step in other.steps}


async def test_a_steps_id_is_a_uuid_of_version_7_with_the_runs_time() -> None:
    run_id = new_id()
    traced = await Laboratory().run(nested(), run_id)
    for step in traced.steps:
        parsed = UUID(step.id)
        assert (str(parsed), parsed.version) == (step.id, 7)
        assert step.id[:13] == run_id[:13]


names = st.text(min_size=1, max_size=5)
turns = st.lists(st.integers(0, 30), max_size=3)


@given(st.lists(st.tuples(st.lists(names, max_size=2), names, st.integers(0, 20)), unique_by=str))
def test_two_places_never_share_a_key_or_a_step(
    places: list[tuple[list[str], str, int]],
) -> None:
    run_id = new_id()
    keys, ids = set(), set()
    for loops, name, turn in places:
        place = Place(run_id=run_id)
        for loop in loops:
            place = place.inside(loop, turn, 1)
        keys.add(place.key(name))
        ids.add(place.step_of(name))
        assert place.key(name).isascii() and place.key(name).isprintable()
    apart = {(tuple(loops), name, turn if loops else 0) for loops, name, turn in places}
    assert len(keys) == len(ids) == len(apart)


async def test_the_trace_is_a_tree_in_the_order_of_starting() -> None:
    traced = await Laboratory().run(nested())
    by_id = {step.id: step for step in traced.steps}
    assert [step.sequence for step in traced.steps] == list(range(len(traced.steps)))
    for step in traced.of("wait"):
        inner = by_id[step.parent_step_id or ""]
        outer = by_id[inner.parent_step_id or ""]
        assert (inner.node_id, outer.node_id) == ("inner", "outer")
        assert outer.parent_step_id is None
        assert outer.sequence < inner.sequence < step.sequence
    assert {step.kind for step in traced.steps} == {StepKind.NODE}


async def test_what_waits_stands_in_the_trace_from_its_beginning() -> None:
    lab, steps = Laboratory(), Steps()
    drawn = graph(
        START,
        replace(node("wait", "delay", seconds=5), label="A pause"),
        END,
        edges="start > wait, wait > end",
    )
    run = a_started_run(drawn, None, {})
    await lab.clock.through(lab.executor.execute(run, drawn, lab.runner, steps))
    written = [step for step in steps.written if step.node_id == "wait"]
    assert [step.status for step in written] == [StepStatus.RUNNING, StepStatus.COMPLETED]
    assert written[1].name == "A pause"
    assert written[1].duration_ms == 5000


async def test_a_large_input_is_left_out_of_the_trace() -> None:
    drawn = graph(
        START,
        node("join", "merge"),
        node("end", "end", output="{{ nodes.join.output.start.text | length }}"),
        edges="start > join, join > end",
    )
    traced = await Laboratory().run(drawn, text="x" * 100_000)
    assert traced.output == 100_000
    assert "omitted" in traced.one("join").input


async def test_computing_gives_the_same_as_executing() -> None:
    lab = Laboratory()
    drawn = graph(
        START,
        node("loop", "loop", items="inputs.items"),
        node("twice", "template", inside="loop", template="{{ item * 2 }}"),
        END,
        edges="start > loop, loop > end",
    )
    assert lab.executor.is_instant(drawn)
    traced = await lab.run(drawn, items=[1, 2])
    queued = replace(
        traced.run, status=RunStatus.QUEUED, started_at=None, output=None, finished_at=None
    )
    ended, steps = await lab.executor.compute(queued, drawn)
    assert ended == replace(traced.run, started_at=ended.started_at, finished_at=ended.finished_at)
    assert {step.id for step in steps} == {step.id for step in traced.steps}


def test_a_graph_with_an_effect_is_not_instant_even_deep_inside() -> None:
    assert not Laboratory().executor.is_instant(nested())
