"""Graphs drawn at random: what they give equals a naive reading of the rules."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import Any, Final

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from orbiter.adapters.system.ids import new_id
from orbiter.application.ports.execution import Segment
from orbiter.domain.runs import Step, StepStatus
from orbiter.domain.workflows import Canvas, Edge, Node, OnError, Retry, WorkflowVersion
from support.clock import START
from support.graphs import NOBODY, Laboratory, Steps, Traced, a_started_run, node

HANDLES: Final = ("yes", "else")


@st.composite
def graphs(draw: st.DrawFn, kinds: tuple[str, ...]) -> WorkflowVersion:
    """Draw a graph whose edges all lead forwards, with every node behind the start."""
    count = draw(st.integers(1, 9))
    nodes = [node("start", "start")]
    edges: dict[str, Edge] = {}
    for number in range(count):
        name = f"n{number}"
        nodes.append(draw(a_node(name, kinds)))
        sources = draw(st.lists(st.sampled_from(nodes[:-1]), min_size=1, max_size=3))
        for source in sources:
            handle = draw(st.sampled_from(_handles(source)))
            id = f"{source.id}.{handle}>{name}"
            edges[id] = Edge(id=id, source=source.id, target=name, source_handle=handle)
    return WorkflowVersion(
        workflow_id=new_id(),
        version=1,
        canvas=Canvas(nodes=(*draw(st.permutations(nodes)),), edges=tuple(edges.values())),
        created_by=NOBODY,
        created_at=START,
    )


def _handles(source: Node) -> tuple[str, ...]:
    if source.type == "condition":
        return HANDLES
    return ("output", "error") if source.on_error is OnError.BRANCH else ("output",)


@st.composite
def a_node(draw: st.DrawFn, name: str, kinds: tuple[str, ...]) -> Node:
    match draw(st.sampled_from(kinds)):
        case "condition":
            when = draw(st.sampled_from(["true", "false"]))
            return node(name, "condition", cases=[{"handle": "yes", "when": when}])
        case "merge":
            return node(name, "merge", join=draw(st.sampled_from(["all", "any"])))
        case "delay":
            return node(name, "delay", seconds=draw(st.sampled_from([0, 1, 2.5])))
        case "failing" | "tried again" as kind:
            attempts = draw(st.integers(2, 3)) if kind == "tried again" else 1
            return node(
                name,
                "template",
                template="{{ 1 / 0 }}",
                on_error=draw(st.sampled_from(OnError)),
                retry=Retry(max_attempts=attempts),
            )
        case kind:
            return node(name, kind, template=name)


@dataclass
class Reading:
    """What a graph gives, read off the rules node by node, each after all its sources."""

    graph: WorkflowVersion

    def __post_init__(self) -> None:
        self.outputs: dict[str, Any] = {}
        self.left_by: dict[str, str] = {}
        waiting = {each.id: each for each in self.graph.canvas.nodes}
        while waiting:
            for each in list(waiting.values()):
                if not {edge.source for edge in self._into(each)} & waiting.keys():
                    del waiting[each.id]
                    self._read(each)

    def _into(self, target: Node) -> list[Edge]:
        return [edge for edge in self.graph.canvas.edges if edge.target == target.id]

    def _read(self, each: Node) -> None:
        live = {
            edge.source
            for edge in self._into(each)
            if self.left_by.get(edge.source) == edge.source_handle
        }
        if self._into(each) and not live:
            return
        self.left_by[each.id] = "output"
        match each.type:
            case "condition":
                says_yes = each.config["cases"][0]["when"] == "true"
                self.left_by[each.id] = "yes" if says_yes else "else"
                self.outputs[each.id] = {"handle": self.left_by[each.id]}
            case "merge":
                self.outputs[each.id] = {source: self.outputs[source] for source in live}
            case "template":
                self.outputs[each.id] = each.id
            case _:
                self.outputs[each.id] = {}


@given(graphs(kinds=("template", "merge", "condition")))
@settings(deadline=None)
async def test_a_graph_gives_what_the_rules_say(graph: WorkflowVersion) -> None:
    traced = await Laboratory().run(graph)
    reading = Reading(graph)
    assert sorted(step.node_id or "" for step in traced.steps) == sorted(
        each.id for each in graph.canvas.nodes
    )
    assert traced.nodes(StepStatus.COMPLETED) == reading.outputs.keys()
    any_merges = {each.id for each in graph.canvas.nodes if each.config.get("join") == "any"}
    for step in traced.steps:
        if step.status is StepStatus.COMPLETED and step.node_id not in any_merges:
            assert _without(step.output, any_merges) == _without(
                reading.outputs[step.node_id or ""], any_merges
            )


def _without(value: Any, names: set[str]) -> Any:
    if not isinstance(value, Mapping):
        return value
    return {name: _without(inner, names) for name, inner in value.items() if name not in names}


EVERYTHING: Final = ("template", "merge", "condition", "delay", "failing", "tried again")


@given(graphs(kinds=EVERYTHING))
@settings(deadline=None)
async def test_a_run_always_ends_and_leaves_no_step_open(graph: WorkflowVersion) -> None:
    traced = await Laboratory().run(graph)
    assert traced.run.ended
    assert len({step.id for step in traced.steps}) == len(traced.steps)
    assert not traced.nodes(StepStatus.RUNNING)
    reached = {step.node_id for step in traced.steps}
    if traced.run.error is None:
        assert reached == {each.id for each in graph.canvas.nodes}
    else:
        assert traced.run.error.node_id in traced.nodes(StepStatus.FAILED)


@given(graphs(kinds=("template", "merge", "condition", "failing")))
@settings(deadline=None)
async def test_what_is_computed_again_is_the_same_to_the_last_step(graph: WorkflowVersion) -> None:
    run_id = new_id()
    first, again = [await Laboratory().run(graph, run_id) for _ in range(2)]
    assert first.run == again.run
    assert _unnumbered(first) == _unnumbered(again)


@given(graphs(kinds=("template", "merge", "condition", "delay")), st.randoms())
@settings(deadline=None)
async def test_how_long_things_take_changes_nothing(graph: WorkflowVersion, random: Random) -> None:
    nodes = [each for each in graph.canvas.nodes if each.config.get("join") != "any"]
    assume(len(nodes) == len(graph.canvas.nodes))
    delays = [
        replace(each, config={"seconds": random.randint(0, 9)}) if each.type == "delay" else each
        for each in nodes
    ]
    other = replace(graph, version=2, canvas=replace(graph.canvas, nodes=tuple(delays)))
    run_id = new_id()
    lab = Laboratory()
    first, again = await lab.run(graph, run_id), await lab.run(other, run_id)
    assert first.output == again.output
    results = [
        {step.id: (step.status, step.output) for step in each.steps} for each in (first, again)
    ]
    assert results[0] == results[1]


@given(graphs(kinds=EVERYTHING), st.integers(0, 60))
@settings(deadline=None)
async def test_a_run_cancelled_at_any_moment_leaves_no_step_open(
    graph: WorkflowVersion, turns: int
) -> None:
    lab, steps = Laboratory(), Steps()
    run = a_started_run(graph, None, {})
    work = asyncio.ensure_future(lab.executor.execute(run, graph, lab.runner, steps))
    for _ in range(turns):
        await asyncio.sleep(0)
    work.cancel()
    (ended,) = await asyncio.gather(work, return_exceptions=True)
    assert isinstance(ended, Segment | asyncio.CancelledError)
    assert not _open(steps.last)


def _unnumbered(traced: Traced) -> dict[str, Step]:
    # Which of two that may begin at once begins first is left to the processor.
    return {step.id: replace(step, sequence=0) for step in traced.steps}


def _open(steps: list[Step]) -> list[Step]:
    return [step for step in steps if step.status is StepStatus.RUNNING]
