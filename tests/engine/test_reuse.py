"""What a new run takes over of one that failed: calls that ended, of whatever they lie in."""

from dataclasses import replace
from typing import Any, Final

import pytest

from orbiter.application.execution.agents.graph import graph_of
from orbiter.application.ports.models import ModelError
from orbiter.domain.builtin_tools import BUILTIN_TOOLS
from orbiter.domain.runs import RunStatus, Step, StepKind, StepStatus, Usage
from orbiter.domain.workflows import OnError, Retry, WorkflowVersion
from support.agents import Studio, a_run_of, asks, calls, says, script
from support.graphs import Traced, graph, node
from support.legacy import heir_of
from support.power import House

CALCULATOR: Final = next(t.id for t in BUILTIN_TOOLS.values() if t.name == "calculator")
DOWN: Final = ModelError("MODEL_REQUEST_REFUSED", "no")
START, END = node("start", "start"), node("end", "end")
NUMBER: Final = {"type": "object", "required": ["n"]}


def works_out(*expressions: str) -> Any:
    return calls(*(("calculator", {"expression": each}) for each in expressions))


def drawn(*nodes: Any) -> WorkflowVersion:
    """Return the nodes one after another."""
    ids = ["start", *(each.id for each in nodes), "end"]
    edges = ", ".join(f"{a} > {b}" for a, b in zip(ids, ids[1:], strict=False))
    return graph(START, *nodes, END, edges=edges)


def reused(traced: Traced) -> list[tuple[str, str]]:
    """Return kind and name of each step that was carried over."""
    return [(step.kind.value, step.name) for step in traced.steps if step.reused]


def made(traced: Traced) -> list[tuple[str, str]]:
    """Return kind and name of each call that was made."""
    calls = (StepKind.MODEL, StepKind.TOOL)
    return [(s.kind.value, s.name) for s in traced.steps if not s.reused and s.kind in calls]


def in_its_place(step: Step, traced: Traced) -> bool:
    """Say whether a step lies in one that there is, of the same run; a call behind it."""
    call = step.kind is not StepKind.NODE
    there = [each for each in traced.steps if not call or each.sequence < step.sequence]
    return step.run_id == traced.run.id and step.parent_step_id in {None, *(s.id for s in there)}


async def retried(studio: Studio, house: House) -> tuple[Traced, int]:
    """Return the run that goes on from one that failed, and how often it asked a model."""
    failed = await house.to_the_end()
    assert failed.run.status is RunStatus.FAILED
    asked = len(studio.gateway.requests)
    ended = await heir_of(house).to_the_end()
    assert all(in_its_place(step, ended) for step in ended.steps)
    assert len({step.id for step in ended.steps}) == len(ended.steps)
    return ended, len(studio.gateway.requests) - asked


async def test_an_agent_goes_on_with_the_call_that_failed() -> None:
    studio = Studio()
    agent = await studio.agent(tools=(CALCULATOR,))
    text = script(
        works_out("1", "1 / 0"),
        calls(("nothing", {}), usage={"input_tokens": 5}),
        says("done", usage={"input_tokens": 7}),
    )
    studio.gateway.trouble.extend([None, None, DOWN])
    house = House(studio, graph_of(agent), begun_run=a_run_of(agent, text))
    ended, asked = await retried(studio, house)
    assert (ended.output, asked) == ("done", 1)
    assert reused(ended) == [
        ("model", "echo:script"),
        ("tool", "calculator"),
        ("tool", "calculator"),
        ("model", "echo:script"),
        ("tool", "nothing"),
    ]
    assert made(ended) == [("model", "echo:script")]
    assert ended.run.usage.input_tokens == 7
    (whole,) = [step for step in ended.steps if step.kind is StepKind.NODE]
    assert (whole.reused, whole.usage) == (False, ended.run.usage)


async def test_also_within_an_agent_that_another_one_asked() -> None:
    studio = Studio()
    helper = await studio.agent("Helper", tools=(CALCULATOR,))
    agent = await studio.agent(sub_agents=(helper.agent_id,))
    inner = script(works_out("1"), works_out("2"), says("found"))
    text = script(asks("helper", inner), says("{{tool_result}}"))
    house = House(studio, graph_of(agent), begun_run=a_run_of(agent, text))
    # Killed in the sub-agent, again and again, till the engine gives the run up.
    await house.segment(6)
    house.run = replace(house.run, status=RunStatus.FAILED)
    before = len(studio.gateway.requests)
    ended = await heir_of(house).to_the_end()
    assert ended.output == "found"
    assert ("tool", "helper") not in reused(ended)
    assert reused(ended)[:2] == [("model", "echo:script")] * 2
    assert len(studio.gateway.requests) - before == 4 - 2
    assert all(in_its_place(step, ended) for step in ended.steps)


async def test_what_a_sub_agent_failed_with_was_read_and_is_not_tried_again() -> None:
    studio = Studio()
    helper = await studio.agent("Helper")
    agent = await studio.agent(sub_agents=(helper.agent_id,))
    text = script(asks("helper", script(says("x"))), says("sorry"))
    studio.gateway.trouble.extend([None, DOWN, DOWN])
    house = House(studio, graph_of(agent), begun_run=a_run_of(agent, text))
    ended, asked = await retried(studio, house)
    assert (ended.output, asked) == ("sorry", 1)
    statuses = [(s.kind.value, s.status) for s in ended.steps if s.reused]
    assert statuses == [
        ("model", StepStatus.COMPLETED),
        ("tool", StepStatus.FAILED),
        ("model", StepStatus.FAILED),
    ]


@pytest.mark.parametrize("code", ["MAX_TURNS", "OUTPUT_SCHEMA_VIOLATED"])
async def test_who_failed_over_what_models_said_asks_them_anew(code: str) -> None:
    studio = Studio()
    settings: Any = {"max_turns": 1} if code == "MAX_TURNS" else {"output_schema": NUMBER}
    agent = await studio.agent(tools=(CALCULATOR,), **settings)
    text = script(works_out("1"), says("x"), says("y"))
    house = House(studio, graph_of(agent), begun_run=a_run_of(agent, text))
    ended, asked = await retried(studio, house)
    assert ended.failure == (code, "agent")
    assert reused(ended) == []
    assert asked == len(studio.gateway.requests) / 2


async def test_the_last_attempt_is_gone_on_with_as_the_first() -> None:
    studio = Studio()
    agent = await studio.agent(tools=(CALCULATOR,))
    text = script(works_out("1"), says("done"))
    ask = node("ask", "agent", agent_id=agent.agent_id, input=text, retry=Retry(max_attempts=2))
    studio.gateway.trouble.extend([None, DOWN, None, DOWN])
    house = House(studio, drawn(ask))
    ended, asked = await retried(studio, house)
    assert (ended.output, asked) == ("done", 1)
    assert reused(ended) == [("node", "start"), ("model", "echo:script"), ("tool", "calculator")]
    (whole,) = [step for step in ended.of("ask") if step.kind is StepKind.NODE]
    assert whole.attempt == 1


async def test_what_ended_after_several_attempts_ends_so_without_asking_anybody() -> None:
    studio = Studio()
    agent = await studio.agent(tools=(CALCULATOR,))
    text = script(works_out("1", "1 / 0"), says("done"))
    ask = node("ask", "agent", agent_id=agent.agent_id, input=text, retry=Retry(max_attempts=2))
    bad = node("bad", "llm", model="echo:script", prompt=script(says("x")))
    studio.gateway.trouble.extend([None, DOWN, None, None, DOWN])
    house = House(studio, drawn(ask, bad))
    ended, asked = await retried(studio, house)
    assert (ended.output, asked) == ("x", 1)
    before = {step.id for step in house.disk.steps.values() if step.node_id == "ask"}
    assert len([step for step in ended.of("ask") if step.reused]) == len(before)
    assert made(ended) == [("model", "echo:script")]


@pytest.mark.parametrize("kind", ["llm", "agent", "tool", "classifier"])
async def test_a_node_that_ended_costs_nothing_again(kind: str) -> None:
    studio = Studio()
    agent = await studio.agent(tools=(CALCULATOR,))
    text = script(says("a", usage={"input_tokens": 3}))
    first = {
        "llm": node("first", "llm", model="echo:script", prompt=text),
        "agent": node("first", "agent", agent_id=agent.agent_id, input=text),
        "tool": node("first", "tool", tool_id=CALCULATOR, arguments={"expression": "1"}),
        "classifier": node(
            "first", "classifier", model="echo:script", classes=["a", "b"], input=text
        ),
    }[kind]
    last = node("last", "llm", model="echo:echo", prompt="b")
    studio.gateway.trouble.extend([*([] if kind == "tool" else [None]), DOWN])
    way = "first.a > last, " if kind == "classifier" else "first > last, "
    house = House(studio, graph(START, first, last, END, edges=f"start > first, {way} last > end"))
    ended, asked = await retried(studio, house)
    assert (ended.output, asked) == ("b", 1)
    assert [step.name for step in ended.steps if not step.reused] == ["last", "echo:echo", "end"]
    assert ended.run.usage == Usage(input_tokens=1, output_tokens=1)


async def test_a_failure_that_was_forgiven_is_not_asked_about_again() -> None:
    studio = Studio()
    agent = await studio.agent(tools=(CALCULATOR,))
    text = script(works_out("1"), says("done"))
    ask = node(
        "ask",
        "agent",
        agent_id=agent.agent_id,
        input=text,
        on_error=OnError.CONTINUE,
        fallback="instead",
    )
    last = node("last", "llm", model="echo:echo", prompt="{{ nodes.ask.output }}")
    studio.gateway.trouble.extend([None, DOWN, DOWN])
    ended, asked = await retried(studio, House(studio, drawn(ask, last)))
    assert (ended.output, asked) == ("instead", 1)


async def test_turns_of_a_loop_go_on_within_the_agents_in_them() -> None:
    studio = Studio()
    agent = await studio.agent(tools=(CALCULATOR,))
    text = script(works_out("1"), says("done"))
    drawn_loop = graph(
        START,
        node("loop", "loop", items="[1, 2, 3]", retry=Retry(max_attempts=2)),
        node("ask", "agent", inside="loop", agent_id=agent.agent_id, input=text),
        END,
        edges="start > loop, loop > end",
    )
    # The first attempt ends in the second turn, the second one in the third, with its last call.
    studio.gateway.trouble.extend([None, None, DOWN, *[None] * 5, DOWN])
    house = House(studio, drawn_loop)
    ended, asked = await retried(studio, house)
    assert (ended.output, asked) == (["done"] * 3, 1)


async def test_what_lies_behind_a_node_is_asked_again() -> None:
    studio = Studio()
    agent = await studio.agent(tools=(CALCULATOR,))
    text = script(works_out("1"), says("done"))
    first = node("first", "llm", model="echo:echo", prompt="a")
    ask = node("ask", "agent", agent_id=agent.agent_id, input=text)
    house = House(studio, drawn(first, ask))
    await house.to_the_end()
    asked = len(studio.gateway.requests)
    ended = await heir_of(house, lambda id: id in ("start", "first")).to_the_end()
    assert ended.output == "done"
    assert len(studio.gateway.requests) - asked == 2
    assert reused(ended) == [("node", "start"), ("node", "first"), ("model", "echo:echo")]


async def test_a_heir_has_heirs() -> None:
    studio = Studio()
    agent = await studio.agent(tools=(CALCULATOR,))
    text = script(works_out("1"), works_out("2"), says("done"))
    studio.gateway.trouble.extend([None, DOWN, None, DOWN])
    house = House(studio, graph_of(agent), begun_run=a_run_of(agent, text))
    await house.to_the_end()
    second = heir_of(house)
    await second.to_the_end()
    third = await heir_of(second).to_the_end()
    assert third.output == "done"
    assert len(studio.gateway.requests) == 5
    assert len(reused(third)) == 4


async def test_a_run_that_was_taken_over_is_taken_up_again_after_a_crash() -> None:
    studio = Studio()
    agent = await studio.agent(tools=(CALCULATOR,))
    text = script(works_out("1"), works_out("2"), says("done"))
    studio.gateway.trouble.extend([None, DOWN])
    house = House(studio, graph_of(agent), begun_run=a_run_of(agent, text))
    await house.to_the_end()
    ended = await heir_of(house).to_the_end(1, 1, 1)
    assert ended.output == "done"
    assert len(studio.gateway.requests) == 4
    assert reused(ended) == [("model", "echo:script"), ("tool", "calculator")]
