"""Runs whose processes are killed, and which go on from what was recorded."""

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orbiter.adapters.system.ids import new_id
from orbiter.application.execution.limits import Limits
from orbiter.application.ports.execution import Past
from orbiter.application.ports.outbound import OutboundAnswer, OutboundError, OutboundRequest
from orbiter.domain.runs import RunStatus, Step, StepKind, StepStatus, Usage
from orbiter.domain.workflows import Canvas, Edge, Node, OnError, Retry, WorkflowVersion
from support.clock import START as BEGIN
from support.graphs import NOBODY, Laboratory, Steps, a_started_run, graph, node
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
    drawn: WorkflowVersion, more: list[int], lost: int
) -> None:
    lab, service = a_lab()
    calm = House(lab, drawn, run_id=new_id())
    expected = await calm.to_the_end()
    for lives in range(1, calm.recorded + 1):
        other, counted = a_lab()
        house = House(other, drawn, run_id=calm.run.id)
        ended = await house.to_the_end(lives, *more, lost=lost)
        assert ended.run.status == expected.run.status
        assert max(counted.answered.values(), default=0) <= 1
        assert max(counted.asked.values(), default=0) <= 2 * (2 + len(more))
        if not _races(drawn):
            assert ended.run.output == expected.run.output
            assert _lines(ended.steps) == _lines(expected.steps)
            assert len({step.sequence for step in ended.steps}) == len(ended.steps)
        assert all(step.ended for step in ended.steps)


def _races(drawn: WorkflowVersion) -> bool:
    """Say whether it matters what comes first: then a crash may decide."""
    nodes = drawn.canvas.nodes
    return any(
        each.config.get("join") == "any" or each.config.get("on_item_error") == "fail"
        for each in nodes
    )


def calls(*names: str, seconds: float = 1) -> list[Node]:
    return [node(name, "http", url=f"http://service.test/{name}/{seconds}") for name in names]


@pytest.mark.parametrize("lives", range(1, 8))
async def test_who_won_a_race_has_won_it_for_ever(lives: int) -> None:
    slow, fast = calls("slow", seconds=2)[0], calls("fast")[0]
    drawn = graph(
        START,
        slow,
        fast,
        node("first", "merge", join="any"),
        node("told", "template", template="{{ nodes.first.output.status }} {{ nodes | length }}"),
        node("nap", "delay", seconds=3600),
        node("end", "end", output="{{ nodes.fast.output.status }}"),
        edges="""
            start > slow, start > fast, slow > first, fast > first,
            first > told, told > nap, nap > end
        """,
    )
    lab, service = a_lab()
    traced = await House(lab, drawn).to_the_end(lives)
    assert traced.output == 200
    assert traced.one("first").input.keys() == {"fast"}
    assert max(service.answered.values()) == 1


async def test_a_race_that_was_given_up_is_not_begun_again() -> None:
    drawn = graph(
        START,
        *calls("slow", seconds=9),
        *calls("fast"),
        node("loop", "loop", items="[1]"),
        node("go", "template", inside="loop", template="go"),
        node("late", "http", inside="loop", url="http://service.test/late/9"),
        node("soon", "http", inside="loop", url="http://service.test/soon/1"),
        node("first", "merge", inside="loop", join="any"),
        node("nap", "delay", seconds=3600),
        END,
        edges="""
            start > slow, start > fast, fast > loop, slow > loop,
            go > late, go > soon, late > first, soon > first, loop > nap, nap > end
        """,
    )
    lab, service = a_lab()
    traced = await House(lab, drawn).to_the_end()
    assert traced.one("late").status is StepStatus.SKIPPED
    assert max(service.asked.values()) == 1


async def test_an_attempt_of_a_loop_that_failed_is_over() -> None:
    drawn = graph(
        START,
        node(
            "loop",
            "loop",
            items="[1]",
            retry=Retry(max_attempts=3, backoff_seconds=3600),
            on_error=OnError.CONTINUE,
        ),
        *(replace(each, parent_id="loop") for each in calls("good", "bad")),
        node("long", "http", inside="loop", url="http://service.test/long/60"),
        END,
        edges="start > loop, good > bad, good > long, loop > end",
    )
    lab, service = a_lab()
    traced = await House(lab, drawn).to_the_end()
    assert traced.one("loop").attempt == 3
    assert traced.seconds == pytest.approx(2 * 3600 + 6, abs=1)
    assert Counter(key.split("/")[1].split(":")[0] for key in service.asked.elements()) == {
        "good": 3,
        "bad": 3,
        "long": 3,
    }
    assert traced.one("long").status is StepStatus.FAILED


@pytest.mark.parametrize("config", [{"seconds": 86400}, {"until": "2026-11-26T09:30:00Z"}])
async def test_a_long_delay_takes_no_process(config: dict[str, Any]) -> None:
    drawn = graph(START, node("nap", "delay", **config), END, edges="start > nap, nap > end")
    lab, _ = a_lab()
    house = House(lab, drawn)
    segment = await house.segment()
    assert segment is not None and segment.run.status is RunStatus.WAITING
    assert segment.wake_at == BEGIN + timedelta(days=1)
    assert house.traced().one("nap").status is StepStatus.WAITING
    lab.clock.advance_to(BEGIN + timedelta(hours=23))
    again = await house.segment()
    assert again is not None and again.wake_at == segment.wake_at
    traced = await house.to_the_end()
    assert traced.run.status is RunStatus.COMPLETED
    assert traced.one("nap").duration_ms == 24 * 3600 * 1000


async def test_time_spent_in_earlier_processes_counts() -> None:
    drawn = graph(START, *calls("call"), END, edges="start > call, call > end")
    lab = Laboratory(limits=Limits(run_seconds=10))
    run = a_started_run(drawn, None, {})
    past = Past(seconds=11)
    segment = await lab.clock.through(lab.executor.execute(run, drawn, lab.runner, Steps(), past))
    assert segment.run.error is not None and segment.run.error.code == "RUN_TIMEOUT"


@pytest.mark.parametrize(("reused", "tokens"), [(False, 7), (True, 0)])
async def test_what_was_spent_is_counted_once(reused: bool, tokens: int) -> None:
    lab, service = a_lab()
    drawn = graph(START, *calls("call"), END, edges="start > call, call > end")
    house = House(lab, drawn)
    await house.to_the_end()
    spent = Usage(input_tokens=7)
    house.disk.steps = {
        id: replace(step, kind=StepKind.MODEL, usage=spent, cost_usd=Decimal(2), reused=reused)
        if step.node_id == "call"
        else step
        for id, step in house.disk.steps.items()
    }
    house.run = a_started_run(drawn, house.run.id, {})
    segment = await house.segment()
    assert segment is not None
    assert segment.run.usage.input_tokens == tokens
    assert segment.run.cost_usd == (0 if reused else 2)
    assert sum(service.asked.values()) == 1


async def test_a_turn_that_failed_and_is_forgiven_is_over() -> None:
    drawn = graph(
        START,
        node("loop", "loop", items="[1]", on_item_error="null"),
        *(replace(each, parent_id="loop") for each in calls("bad")),
        node("long", "http", inside="loop", url="http://service.test/long/60"),
        node("nap", "delay", seconds=3600),
        node("end", "end", output="{{ nodes.loop.output }}"),
        edges="start > loop, loop > nap, nap > end",
    )
    lab, service = a_lab()
    traced = await House(lab, drawn).to_the_end()
    assert traced.output == [None]
    assert max(service.asked.values()) == 1


async def test_turns_go_on_while_another_one_waits() -> None:
    drawn = graph(
        START,
        node("loop", "loop", items="[60, 2, 3]", concurrency=2),
        node("nap", "delay", inside="loop", seconds="{{ item }}"),
        END,
        edges="start > loop, loop > end",
    )
    lab, _ = a_lab()
    house = House(lab, drawn)
    segment = await house.segment()
    assert segment is not None and segment.wake_at == BEGIN + timedelta(minutes=1)
    statuses = [step.status.value for step in house.traced().of("nap")]
    assert statuses == ["waiting", "completed", "completed"]


async def test_how_long_it_is_until_a_time_is_found_out_once() -> None:
    nap = node("nap", "delay", until="2026-11-27T09:30:00Z", timeout=86400)
    lab, _ = a_lab()
    traced = await House(lab, graph(START, nap, END, edges="start > nap, nap > end")).to_the_end()
    assert traced.failure == ("TIMEOUT", "nap")


async def test_a_loop_that_was_in_time_is_so_for_ever() -> None:
    drawn = graph(
        START,
        node("loop", "loop", items="[1]", timeout=60),
        *(replace(each, parent_id="loop") for each in calls("call")),
        node("nap", "delay", seconds=3600),
        END,
        edges="start > loop, loop > nap, nap > end",
    )
    lab, _ = a_lab()
    assert (await House(lab, drawn).to_the_end()).run.error is None
