"""Agents whose processes are killed at any record: nothing that was recorded is done again."""

import re
from typing import Any, Final

import pytest

from orbiter.adapters.system.ids import new_id
from orbiter.application.execution.agents.graph import graph_of
from orbiter.domain.agents import AgentVersion
from orbiter.domain.builtin_tools import BUILTIN_TOOLS
from orbiter.domain.runs import Step, StepKind
from orbiter.domain.workflows import Retry
from support.agents import Studio, a_run_of, calls, says, script
from support.graphs import Traced, graph, node
from support.power import House

BUILTIN: Final = {tool.name: tool.id for tool in BUILTIN_TOOLS.values()}
NUMBER: Final = {"type": "object", "required": ["n"]}
MODEL: Final = re.compile(r":(model(\.\d+|\.repair)?)$")
RUN_ID: Final = new_id()


async def a_team(studio: Studio) -> tuple[AgentVersion, str]:
    """Return an agent with a bit of everything, and a script for all of it."""
    calculator = BUILTIN["calculator"]
    helper = await studio.agent("Helper", tools=(calculator,))
    closer = await studio.agent("Closer", output_schema=NUMBER)
    agent = await studio.agent(
        tools=(calculator,), sub_agents=(helper.agent_id,), handoffs=(closer.agent_id,)
    )
    inner = script(
        calls(("calculator", {"expression": "2 + 2"}), ("calculator", {"expression": "1 / 0"})),
        says("{{tool_result}}"),
    )
    text = script(
        calls(
            ("helper", {"input": inner}),
            ("calculator", {"expression": "3 * 3"}),
            ("nothing", {}),
        ),
        calls(("transfer_to_closer", {})),
        says("no number"),
        says('{"n": 9}'),
    )
    return agent, text


def a_house(studio: Studio, agent: AgentVersion, text: str) -> House:
    return House(studio, graph_of(agent), begun_run=a_run_of(agent, text, RUN_ID))


def lines(traced: Traced) -> dict[str, Any]:
    """Return what each step says, but for its place in the order."""
    return {step.id: _line(step) for step in traced.steps}


def _line(step: Step) -> Any:
    said = _without_ids(step.input), _without_ids(step.output), step.error, step.usage
    return step.parent_step_id, step.kind, step.name, step.status, said


def _without_ids(value: Any) -> Any:
    return {k: v for k, v in value.items() if k != "agent_id"} if isinstance(value, dict) else value


def models_recorded(house: House) -> int:
    return sum(bool(MODEL.search(key)) for key in house.disk.records)


async def test_whenever_it_is_killed_it_ends_the_same_and_asks_no_model_twice() -> None:
    calm = Studio()
    house = a_house(calm, *await a_team(calm))
    expected = await house.to_the_end()
    assert expected.output == {"n": 9}
    asked_in_all, records = len(calm.gateway.requests), house.recorded
    assert asked_in_all == models_recorded(house) == 6
    for lives in range(1, records + 1):
        for lost in (0, 2):
            studio = Studio()
            killed = a_house(studio, *await a_team(studio))
            assert await killed.segment(lives, lost) is None
            asked, kept = len(studio.gateway.requests), models_recorded(killed)
            ended = await killed.to_the_end()
            assert ended.output == expected.output
            assert lines(ended) == lines(expected)
            assert len({step.sequence for step in ended.steps}) == len(ended.steps)
            assert len(studio.gateway.requests) - asked == asked_in_all - kept, lives
            assert ended.run.usage == expected.run.usage


async def test_it_may_be_killed_over_and_over() -> None:
    studio = Studio()
    house = a_house(studio, *await a_team(studio))
    ended = await house.to_the_end(*[1] * 50, lost=1)
    assert ended.output == {"n": 9}
    assert len(studio.gateway.requests) <= 6 + 2


async def test_an_agent_keeps_to_the_version_it_began_with() -> None:
    studio = Studio()
    helper = await studio.agent("Helper", model="echo:echo")
    boss = await studio.agent("Boss", sub_agents=(helper.agent_id,))
    text = script(calls(("helper", {"input": "a"})), calls(("helper", {"input": "b"})), says("c"))
    drawn = graph(
        node("start", "start"),
        node("ask", "agent", agent_id=boss.agent_id, input=text),
        node("end", "end"),
        edges="start > ask, ask > end",
    )
    house = House(studio, drawn)
    await house.segment(4)
    await studio.revised(helper, model="nobody:at-all")
    await studio.revised(boss, max_turns=1, sub_agents=())
    assert (await house.to_the_end()).output == "c"


@pytest.mark.parametrize("lives", range(1, 12))
async def test_attempts_of_a_node_are_counted_across_processes(lives: int) -> None:
    studio = Studio()
    agent = await studio.agent(tools=(BUILTIN["calculator"],))
    error = {"status": 400, "message": "no"}
    text = script(calls(("calculator", {"expression": "1"})), {"error": error})
    drawn = graph(
        node("start", "start"),
        node(
            "ask",
            "agent",
            agent_id=agent.agent_id,
            input=text,
            retry=Retry(max_attempts=3, backoff_seconds=60),
        ),
        node("end", "end"),
        edges="start > ask, ask > end",
    )
    house = House(studio, drawn)
    traced = await house.to_the_end(lives)
    assert traced.failure == ("MODEL_REQUEST_REFUSED", "ask")
    (ask,) = [step for step in traced.of("ask") if step.kind is StepKind.NODE]
    assert ask.attempt == 3
    assert len(studio.gateway.requests) == 6
    assert len([step for step in traced.of("ask") if step.kind is StepKind.MODEL]) == 6
