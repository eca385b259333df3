"""Runs whose processes are killed, and which go on from what was recorded."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

from hypothesis import given, settings
from hypothesis import strategies as st

from orbiter.adapters.system.ids import new_id
from orbiter.application.ports.outbound import OutboundAnswer, OutboundError, OutboundRequest
from orbiter.domain.runs import Step
from orbiter.domain.workflows import Canvas, Edge, Node, OnError, Retry, WorkflowVersion
from support.clock import START as BEGIN
from support.graphs import NOBODY, Laboratory, node
from support.power import House
from support.virtual_time import VirtualClock

START, END = node("start", "start"), node("end", "end")
HANDLES: Final = ("yes", "else")


@dataclass
class Service:
    """Answers after as many seconds as the path says; counts what was asked for under which key."""

    clock: VirtualClock = field(default_factory=VirtualClock)
    asked: Counter[str] = field(default_factory=Counter)
    answered: Counter[str] = field(default_factory=Counter)

    async def send(self, request: OutboundRequest) -> OutboundAnswer:
        key = request.headers["idempotency-key"]
        self.asked[key] += 1
        _, _, kind, seconds = request.url.rsplit("/", 3)
        await self.clock.sleep(float(seconds))
        if kind == "bad":
            raise OutboundError("CONNECTION_FAILED", "It hangs up")
        self.answered[key] += 1
        return OutboundAnswer(status=200, headers={}, body=b"")


def a_lab() -> tuple[Laboratory, Service]:
    service = Service()
    return Laboratory(http=service, clock=service.clock), service


@st.composite
def a_node(draw: st.DrawFn, name: str, inside: str | None) -> Node:
    kind = draw(
        st.sampled_from(["http", "http", "http", "bad", "condition", "merge", "delay", "template"])
    )
    seconds = draw(st.sampled_from(["0.1", "1", "2", "3"]))
    on_error = draw(st.sampled_from([OnError.CONTINUE, OnError.BRANCH]))
    match kind:
        case "condition":
            when = draw(st.sampled_from(["true", "false"]))
            cases = [{"handle": "yes", "when": when}]
            return node(name, "condition", inside=inside, cases=cases)
        case "merge":
            return node(name, "merge", inside=inside, join=draw(st.sampled_from(["all", "any"])))
        case "delay":
            wait = draw(st.sampled_from([1, 4, 60, 3600]))
            return node(name, "delay", inside=inside, seconds=wait)
        case "template":
            return node(name, "template", inside=inside, template=name)
    retry = Retry(max_attempts=draw(st.integers(1, 2)), backoff_seconds=1)
    url = f"http://service.test/{kind}/{seconds}"
    if kind == "http" or (inside and draw(st.booleans())):
        on_error = OnError.FAIL
    return node(name, "http", inside=inside, url=url, on_error=on_error, retry=retry)


def _handles(source: Node) -> tuple[str, ...]:
    if source.type == "condition":
        return HANDLES
    return ("output", "error") if source.on_error is OnError.BRANCH else ("output",)


@st.composite
def a_body(
    draw: st.DrawFn, first: list[Node], size: int, prefix: str, inside: str | None
) -> tuple[list[Node], list[Edge]]:
    nodes, edges = list(first), {}
    for number in range(draw(st.integers(1, size))):
        made = draw(a_node(f"{prefix}{number}", inside))
        nodes.append(made)
        if len(nodes) > 1:
            for source in draw(st.lists(st.sampled_from(nodes[:-1]), min_size=1, max_size=3)):
                handle = draw(st.sampled_from(_handles(source)))
                id = f"{source.id}.{handle}>{made.id}"
                edges[id] = Edge(id=id, source=source.id, target=made.id, source_handle=handle)
    return nodes, list(edges.values())


@st.composite
def graphs(draw: st.DrawFn) -> WorkflowVersion:
    """Draw a graph with effects, waits, races and perhaps a loop of such."""
    nodes, edges = draw(a_body([START], 6, "n", None))
    if draw(st.booleans()):
        loop = node(
            "loop",
            "loop",
            items="[1, 2, 3]",
            concurrency=draw(st.integers(1, 3)),
            on_item_error=draw(st.sampled_from(["fail", "skip", "null"])),
            on_error=OnError.CONTINUE,
            retry=Retry(max_attempts=draw(st.integers(1, 2)), backoff_seconds=10),
        )
        body, inner = draw(a_body([], 3, "b", "loop"))
        edge = Edge(id="to-loop", source=draw(st.sampled_from(nodes)).id, target="loop")
        nodes, edges = [*nodes, loop, *body], [*edges, edge, *inner]
    return WorkflowVersion(
        workflow_id=new_id(),
        version=1,
        canvas=Canvas(nodes=tuple(nodes), edges=tuple(edges)),
        created_by=NOBODY,
        created_at=BEGIN,
    )


def _lines(steps: Any) -> dict[str, Any]:
    return {step.id: _line(step) for step in steps}


def _line(step: Step) -> Any:
    return step.node_id, step.iteration, step.status, step.input, step.output, step.error


@given(graphs(), st.lists(st.integers(1, 4), max_size=3), st.integers(0, 3))
@settings(deadline=None, max_examples=60)
async def test_a_run_killed_at_any_record_ends_as_if_it_had_not_been(
    graph: WorkflowVersion, more: list[int], lost: int
) -> None:
    lab, service = a_lab()
    calm = House(lab, graph, run_id=new_id())
    expected = await calm.to_the_end()
    for lives in range(1, calm.recorded + 1):
        other, counted = a_lab()
        house = House(other, graph, run_id=calm.run.id)
        ended = await house.to_the_end(lives, *more, lost=lost)
        assert ended.run.status == expected.run.status
        assert max(counted.answered.values(), default=0) <= 1
        assert max(counted.asked.values(), default=0) <= 2 * (2 + len(more))
        if not _races(graph):
            assert ended.run.output == expected.run.output
            assert _lines(ended.steps) == _lines(expected.steps)
            assert len({step.sequence for step in ended.steps}) == len(ended.steps)
        assert all(step.ended for step in ended.steps)


def _races(graph: WorkflowVersion) -> bool:
    """Say whether it matters what comes first: then a crash may decide."""
    nodes = graph.canvas.nodes
    return any(
        each.config.get("join") == "any" or each.config.get("on_item_error") == "fail"
        for each in nodes
    )
