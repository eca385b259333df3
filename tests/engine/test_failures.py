"""What happens when a node fails, and when a run goes too far."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from orbiter.application.execution.limits import Limits
from orbiter.application.execution.processor import Processor
from orbiter.application.ports.outbound import OutboundAnswer, OutboundRequest
from orbiter.application.ports.templating import Context
from orbiter.domain.runs import RunStatus, StepStatus
from orbiter.domain.workflows import OnError, Retry, WorkflowVersion
from support.graphs import Laboratory, Silent, Steps, a_started_run, graph, node

START, END = node("start", "start"), node("end", "end")
URL = "http://service.test"


class Flaky:
    """A service that answers with these statuses, one after the other."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)
        self.keys: list[str] = []

    async def send(self, request: OutboundRequest) -> OutboundAnswer:
        self.keys.append(request.headers["idempotency-key"])
        return OutboundAnswer(status=self.statuses.pop(0), headers={}, body=b"fine")


@pytest.fixture
def lab() -> Laboratory:
    return Laboratory()


async def test_a_failed_node_fails_the_run_and_says_which_and_why(lab: Laboratory) -> None:
    drawn = graph(
        START,
        node("greet", "template", template="{{ inputs.nobody }}"),
        END,
        edges="start > greet, greet > end",
    )
    traced = await lab.run(drawn)
    error = traced.run.error
    assert error is not None
    assert (traced.run.status, error.code, error.node_id) == (
        RunStatus.FAILED,
        "TEMPLATE_ERROR",
        "greet",
    )
    assert error.message == "`inputs.nobody` is undefined"
    assert traced.one("greet").status is StepStatus.FAILED
    assert traced.of("end") == []


@pytest.mark.parametrize(
    ("type", "config"),
    [
        ("template", {"template": "{{ inputs.gone }}"}),
        ("transform", {"mapping": {"a": ["{{ inputs.gone }}"]}}),
        ("condition", {"cases": [{"handle": "output", "when": "inputs.gone > 1"}]}),
        ("variable", {"name": "x", "value": "{{ inputs.gone }}"}),
        ("delay", {"seconds": "{{ inputs.gone }}"}),
        ("http", {"url": "{{ inputs.gone }}"}),
        ("http", {"url": URL, "headers": {"X-Trace": "{{ inputs.gone }}"}}),
        ("http", {"url": URL, "auth": {"type": "bearer", "token": "{{ inputs.gone }}"}}),
        ("merge", {}),
    ],
)
async def test_every_kind_says_which_name_is_missing(
    lab: Laboratory, type: str, config: Mapping[str, Any]
) -> None:
    end = node("end", "end", output="{{ inputs.gone }}")
    drawn = graph(START, node("x", type, **config), end, edges="start > x, x > end")
    error = (await lab.run(drawn)).run.error
    assert error is not None
    assert (error.code, error.message) == ("TEMPLATE_ERROR", "`inputs.gone` is undefined")


async def test_a_node_can_go_on_with_its_fallback(lab: Laboratory) -> None:
    drawn = graph(
        START,
        node(
            "greet",
            "template",
            template="{{ inputs.nobody }}",
            on_error=OnError.CONTINUE,
            fallback={"name": "stranger"},
        ),
        END,
        edges="start > greet, greet > end",
    )
    traced = await lab.run(drawn)
    assert traced.output == {"name": "stranger"}
    step = traced.one("greet")
    assert (step.status, step.output) == (StepStatus.FAILED, {"name": "stranger"})
    assert step.error is not None and step.error.code == "TEMPLATE_ERROR"


async def test_a_fallback_is_a_template_too(lab: Laboratory) -> None:
    greet = node(
        "greet",
        "template",
        template="{{ inputs.nobody }}",
        on_error=OnError.CONTINUE,
        fallback={"name": "{{ inputs.n + 1 }}"},
    )
    traced = await lab.run(graph(START, greet, END, edges="start > greet, greet > end"), n=1)
    assert traced.output == {"name": 2}


async def test_a_fallback_that_can_not_be_rendered_fails_the_node(lab: Laboratory) -> None:
    greet = node(
        "greet",
        "delay",
        seconds="soon",
        on_error=OnError.CONTINUE,
        fallback="{{ inputs.nobody }}",
    )
    traced = await lab.run(graph(START, greet, END, edges="start > greet, greet > end"))
    assert traced.failure == ("TEMPLATE_ERROR", "greet")
    step = traced.one("greet")
    assert (step.status, step.error and step.error.code) == (StepStatus.FAILED, "TEMPLATE_ERROR")


async def test_a_condition_that_fails_and_continues_leaves_by_else(lab: Laboratory) -> None:
    drawn = graph(
        START,
        node(
            "switch",
            "condition",
            cases=[{"handle": "yes", "when": "inputs.gone"}],
            on_error=OnError.CONTINUE,
        ),
        node("no", "template", template="no"),
        END,
        edges="start > switch, switch.yes > end, switch.else > no, no > end",
    )
    assert (await lab.run(drawn)).output == "no"


@pytest.mark.parametrize(("value", "output"), [({"n": 2}, 0.5), ({}, None)])
async def test_a_node_can_leave_by_its_error_handle(
    lab: Laboratory, value: Mapping[str, int], output: float | None
) -> None:
    drawn = graph(
        START,
        node("divide", "template", template="{{ 1 / inputs.n }}", on_error=OnError.BRANCH),
        node("good", "end"),
        node("bad", "end"),
        edges="start > divide, divide > good, divide.error > bad",
    )
    expected = output or {"code": "TEMPLATE_ERROR", "message": "`inputs.n` is undefined"}
    assert (await lab.run(drawn, **value)).output == expected


async def test_retries_pause_longer_each_time_and_are_told_in_the_trace() -> None:
    lab = Laboratory(http=(service := Flaky(503, 500, 200)))
    retry = Retry(max_attempts=5, backoff_seconds=3, multiplier=10)
    call = node("call", "http", url=URL, retry=retry)
    traced = await lab.run(graph(START, call, END, edges="start > call, call > end"))
    assert traced.output["status"] == 200
    assert traced.seconds == 3 + 30
    step = traced.one("call")
    assert step.attempt == 3
    assert step.logs == (
        "Attempt 1 failed: HTTP_STATUS: The service answered with status 503: fine",
        "Attempt 2 failed: HTTP_STATUS: The service answered with status 500: fine",
    )
    assert len(set(service.keys)) == 1, "attempts of one effect share its key"


async def test_attempts_that_are_used_up_fail_the_node_with_the_last_error() -> None:
    lab = Laboratory(http=Flaky(500, 502))
    call = node("call", "http", url=URL, retry=Retry(max_attempts=2))
    traced = await lab.run(graph(START, call, END, edges="start > call, call > end"))
    step = traced.one("call")
    assert (step.attempt, len(step.logs)) == (2, 1)
    assert step.error is not None and step.error.message.endswith("502: fine")


@pytest.mark.parametrize(
    ("type", "config"),
    [
        ("template", {"template": "{{ inputs.gone }}"}),
        ("transform", {"expression": "sum(inputs)"}),
        ("condition", {"cases": [{"handle": "output", "when": "inputs.gone"}]}),
        ("variable", {"name": "x", "value": "{{ inputs.gone }}"}),
        ("delay", {"until": "soon"}),
    ],
)
async def test_every_kind_of_node_is_tried_again(
    lab: Laboratory, type: str, config: Mapping[str, Any]
) -> None:
    x = node("x", type, retry=Retry(max_attempts=3, backoff_seconds=2), **config)
    drawn = graph(START, x, END, edges="start > x, x > end")
    assert not lab.executor.is_instant(drawn)
    traced = await lab.run(drawn)
    assert traced.seconds == 2 + 4
    step = traced.one("x")
    assert (step.status, step.attempt, len(step.logs)) == (StepStatus.FAILED, 3, 2)
    assert step.error is not None and step.error.code in step.logs[0]


async def test_a_delay_that_is_tried_again_waits_again(lab: Laboratory) -> None:
    retry = Retry(max_attempts=2, backoff_seconds=1)
    wait = node("wait", "delay", seconds=60, timeout=10, retry=retry)
    traced = await lab.run(graph(START, wait, END, edges="start > wait, wait > end"))
    assert traced.failure == ("TIMEOUT", "wait")
    assert traced.seconds == 10 + 1 + 10


async def test_each_attempt_is_bounded_in_time() -> None:
    call = node("call", "http", url=URL, timeout=0.01, retry=Retry(max_attempts=2))
    lab = Laboratory(http=Silent())
    traced = await lab.run(graph(START, call, END, edges="start > call, call > end"))
    assert traced.failure == ("TIMEOUT", "call")
    assert traced.one("call").attempt == 2


async def test_a_failure_cancels_what_runs_beside_it(lab: Laboratory) -> None:
    drawn = graph(
        START,
        node("slow", "delay", seconds=60),
        node("quick", "delay", seconds=1),
        node("fail", "template", template="{{ 1 / 0 }}"),
        END,
        edges="start > slow, start > quick, quick > fail, fail > end, slow > end",
    )
    traced = await lab.run(drawn)
    assert traced.failure == ("TEMPLATE_ERROR", "fail")
    assert traced.seconds == 1
    slow = traced.one("slow")
    assert slow.status is StepStatus.FAILED
    assert slow.error is not None and slow.error.code == "CANCELLED"
    assert slow.finished_at is not None


async def test_inputs_that_break_the_schema_fail_the_start(lab: Laboratory) -> None:
    schema = {"type": "object", "required": ["n"]}
    drawn = graph(node("start", "start", inputs=schema), END, edges="start > end")
    traced = await lab.run(drawn)
    assert traced.failure == ("INVALID_INPUTS", "start")


async def test_defaults_of_the_inputs_are_seen_everywhere(lab: Laboratory) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer", "default": 4}}}
    drawn = graph(
        node("start", "start", inputs=schema),
        node("end", "end", output=["{{ inputs.n }}", "{{ nodes.start.output.n }}"]),
        edges="start > end",
    )
    assert (await lab.run(drawn)).output == [4, 4]


class TestLimits:
    """Crossing one fails the run, whatever a node forgives."""

    async def test_too_many_steps(self) -> None:
        drawn = graph(
            START,
            node("loop", "loop", items="range(50)", on_item_error="skip"),
            node("x", "template", inside="loop", template="x", on_error=OnError.CONTINUE),
            END,
            edges="start > loop, loop > end",
        )
        traced = await Laboratory(limits=Limits(steps=20)).run(drawn)
        assert traced.failure == ("STEP_LIMIT", None)
        assert len(traced.steps) == 20
        loop = traced.one("loop")
        assert loop.error is not None and loop.error.code == "STEP_LIMIT"

    async def test_too_long(self) -> None:
        call = node("call", "http", url=URL, on_error=OnError.CONTINUE)
        lab = Laboratory(http=Silent(), limits=Limits(run_seconds=0.01))
        traced = await lab.run(graph(START, call, END, edges="start > call, call > end"))
        assert traced.failure == ("RUN_TIMEOUT", None)
        assert traced.one("call").status is StepStatus.FAILED

    async def test_a_delay_does_not_count_as_running(self) -> None:
        lab = Laboratory(limits=Limits(run_seconds=5))
        wait = node("wait", "delay", seconds=3 * 24 * 3600)
        traced = await lab.run(graph(START, wait, END, edges="start > wait, wait > end"))
        assert traced.run.status is RunStatus.COMPLETED

    async def test_too_large_a_value_fails_its_node(self) -> None:
        drawn = graph(
            START,
            node("big", "template", template="{{ 'x' * 2000 }}", on_error=OnError.BRANCH),
            END,
            edges="start > big, big.error > end",
        )
        traced = await Laboratory(limits=Limits(value_bytes=1000)).run(drawn)
        assert traced.output["code"] == "OUTPUT_TOO_LARGE"

    async def test_a_value_that_contains_another_twice_again_and_again(
        self, lab: Laboratory
    ) -> None:
        names = [f"n{number}" for number in range(40)]
        twice = {"a": "{{ nodes.%s.output }}", "b": "{{ nodes.%s.output }}"}
        doubled = [
            node(name, "transform", mapping={key: text % before for key, text in twice.items()})
            for before, name in zip(["start", *names], names, strict=False)
        ]
        chain = ", ".join(f"{a} > {b}" for a, b in zip(names, names[1:], strict=False))
        drawn = graph(START, *doubled, END, edges=f"start > n0, {chain}, n39 > end")
        assert (await lab.run(drawn, n=1)).failure[0] == "OUTPUT_TOO_LARGE"

    async def test_a_value_that_nests_deeper_and_deeper(self, lab: Laboratory) -> None:
        drawn = graph(
            START,
            node("loop", "loop", while_="true", max_iterations=200),
            node("deeper", "template", inside="loop", template="{{ [last] }}"),
            END,
            edges="start > loop, loop > end",
        )
        assert (await lab.run(drawn)).failure == ("OUTPUT_TOO_DEEP", "deeper")

    async def test_too_much_in_all(self) -> None:
        drawn = graph(
            START,
            node("loop", "loop", items="range(50)", on_item_error="skip"),
            node("x", "template", inside="loop", template="{{ 'x' * 900 }}"),
            END,
            edges="start > loop, loop > end",
        )
        traced = await Laboratory(limits=Limits(run_bytes=20_000)).run(drawn)
        assert traced.failure == ("SIZE_LIMIT", None)

    async def test_a_fallback_counts_too(self) -> None:
        drawn = graph(
            START,
            node("loop", "loop", items="range(50)"),
            node(
                "x",
                "template",
                inside="loop",
                template="{{ 1 / 0 }}",
                on_error=OnError.CONTINUE,
                fallback="x" * 900,
            ),
            END,
            edges="start > loop, loop > end",
        )
        traced = await Laboratory(limits=Limits(run_bytes=20_000)).run(drawn)
        assert traced.failure == ("SIZE_LIMIT", None)

    async def test_a_fallback_that_crosses_a_limit_leaves_no_step_open(self) -> None:
        x = node("x", "delay", seconds="soon", on_error=OnError.CONTINUE, fallback="x" * 900)
        drawn = graph(START, x, END, edges="start > x, x > end")
        traced = await Laboratory(limits=Limits(run_bytes=500)).run(drawn)
        assert traced.failure == ("SIZE_LIMIT", None)
        assert traced.one("x").status is StepStatus.FAILED

    async def test_a_message_is_cut(self, lab: Laboratory) -> None:
        wait = node("wait", "delay", until="{{ inputs.text }}")
        traced = await lab.run(
            graph(START, wait, END, edges="start > wait, wait > end"), text="x" * 100_000
        )
        assert traced.run.error is not None and len(traced.run.error.message) == 1000


class Broken:
    """Templates with a bug."""

    def render(self, template: Any, context: Context) -> Any:
        raise ZeroDivisionError("a detail of the inside")

    evaluate = pick = render


async def test_a_bug_ends_the_run_without_telling_of_the_inside() -> None:
    lab = Laboratory(templates=Broken())
    drawn = graph(
        START,
        node("x", "template", template="x", on_error=OnError.CONTINUE),
        END,
        edges="start > x, x > end",
    )
    traced = await lab.run(drawn)
    assert traced.failure == ("INTERNAL_ERROR", None)
    assert traced.run.error is not None and "detail" not in traced.run.error.message
    step = traced.one("x")
    assert step.error is not None and step.error.code == "INTERNAL_ERROR"


def long_computing() -> WorkflowVersion:
    return graph(
        START,
        node("loop", "loop", items="range(100)"),
        node("x", "template", inside="loop", template="{{ item }}"),
        END,
        edges="start > loop, loop > end",
    )


async def test_long_computing_lets_others_have_their_turn() -> None:
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.ensure_future(count())
    await Laboratory(processor=Processor(slice_seconds=0)).run(long_computing())
    counting.cancel()
    assert turns > 100


async def test_runs_that_compute_at_the_same_time_take_turns() -> None:
    lab, steps, drawn = Laboratory(processor=Processor(slice_seconds=0)), Steps(), long_computing()
    runs = [a_started_run(drawn, None, {}) for _ in range(5)]
    working = asyncio.gather(*(lab.executor.execute(run, drawn, lab.runner, steps) for run in runs))
    most, before = 0, 0
    while not working.done():
        most, before = max(most, len(steps.written) - before), len(steps.written)
        await asyncio.sleep(0)
    assert {segment.run.status for segment in await working} == {RunStatus.COMPLETED}
    assert most <= 2
