"""`vars` travel along the edges."""

import pytest

from orbiter.domain.workflows import WorkflowVersion
from support.graphs import Laboratory, graph, node

START, END = node("start", "start"), node("end", "end")
SHOW = node("end", "end", output="{{ vars.x }}")


@pytest.fixture
def lab() -> Laboratory:
    return Laboratory()


async def test_they_start_as_the_versions_variables(lab: Laboratory) -> None:
    drawn = graph(START, SHOW, edges="start > end", variables={"x": [1]})
    assert (await lab.run(drawn)).output == [1]


async def test_one_that_is_set_is_seen_behind_and_is_the_nodes_output(lab: Laboratory) -> None:
    drawn = graph(
        START,
        node("set", "variable", name="x", value="{{ inputs.n + 1 }}"),
        node("again", "variable", name="x", value="{{ vars.x * 10 }}"),
        SHOW,
        edges="start > set, set > again, again > end",
    )
    traced = await lab.run(drawn, n=1)
    assert traced.output == 20
    assert traced.one("set").output == 2
    assert traced.one("again").input == {"name": "x", "value": 20}


async def test_one_that_was_never_set_is_an_error(lab: Laboratory) -> None:
    assert (await lab.run(graph(START, SHOW, edges="start > end"))).failure[0] == "TEMPLATE_ERROR"


def a_race(first: float, second: float) -> WorkflowVersion:
    return graph(
        START,
        node("wait1", "delay", seconds=first),
        node("wait2", "delay", seconds=second),
        node("set1", "variable", name="x", value="one"),
        node("set2", "variable", name="x", value="two"),
        node("join", "merge"),
        SHOW,
        edges="start > wait1, start > wait2, wait1 > set1, wait2 > set2, set1 > join, set2 > join,"
        "join > end",
    )


@pytest.mark.parametrize(("first", "second"), [(1, 5), (5, 1), (1, 1)])
async def test_branches_at_once_give_the_same_value_whoever_is_quicker(
    lab: Laboratory, first: float, second: float
) -> None:
    assert (await lab.run(a_race(first, second))).output == "two"


async def test_a_branch_does_not_see_what_another_sets(lab: Laboratory) -> None:
    drawn = graph(
        START,
        node("set", "variable", name="x", value="set"),
        node("wait", "delay", seconds=1),
        node("seen", "template", template="{{ vars.x }}"),
        END,
        edges="start > set, start > wait, wait > seen, seen > end, set > end",
        variables={"x": "first"},
    )
    assert (await lab.run(drawn)).one("seen").output == "first"


async def test_a_branch_that_set_nothing_does_not_undo_what_another_set(lab: Laboratory) -> None:
    drawn = graph(
        START,
        node("set", "variable", name="x", value="set"),
        node("idle", "template", template="idle"),
        node("join", "merge"),
        SHOW,
        edges="start > set, start > idle, set > join, idle > join, join > end",
        variables={"x": "first"},
    )
    assert (await lab.run(drawn)).output == "set"


async def test_turns_that_follow_each_other_can_count(lab: Laboratory) -> None:
    drawn = graph(
        START,
        node("loop", "loop", items="[1, 2, 3]"),
        node("add", "variable", inside="loop", name="x", value="{{ vars.x + item }}"),
        SHOW,
        edges="start > loop, loop > end",
        variables={"x": 10},
    )
    traced = await lab.run(drawn)
    assert traced.output == 16
    assert traced.one("loop").output == [11, 13, 16]


async def test_turns_at_once_all_begin_with_what_was_before_the_loop(lab: Laboratory) -> None:
    drawn = graph(
        START,
        node("loop", "loop", items="[3, 1, 2]", concurrency=3),
        node("wait", "delay", inside="loop", seconds="{{ item }}"),
        node("add", "variable", inside="loop", name="x", value="{{ vars.x + item }}"),
        SHOW,
        edges="start > loop, wait > add, loop > end",
        variables={"x": 10},
    )
    traced = await lab.run(drawn)
    assert traced.one("loop").output == [13, 11, 12]
    assert traced.output == 12, "the last turn in order, not in time"


async def test_what_a_failed_turn_set_is_forgotten(lab: Laboratory) -> None:
    drawn = graph(
        START,
        node("loop", "loop", items="[1, 0]", on_item_error="skip"),
        node("set", "variable", inside="loop", name="x", value="{{ item }}"),
        node("divide", "template", inside="loop", template="{{ 1 / item }}"),
        SHOW,
        edges="start > loop, set > divide, loop > end",
    )
    assert (await lab.run(drawn)).output == 1


async def test_a_while_loop_sees_what_its_turns_set(lab: Laboratory) -> None:
    drawn = graph(
        START,
        node("loop", "loop", while_="vars.x < 3"),
        node("add", "variable", inside="loop", name="x", value="{{ vars.x + 1 }}"),
        SHOW,
        edges="start > loop, loop > end",
        variables={"x": 0},
    )
    assert (await lab.run(drawn)).output == 3
