"""Bodies walked again and again."""

from typing import Any

import pytest

from orbiter.domain.runs import StepStatus
from orbiter.domain.workflows import OnError, Retry
from support.graphs import Laboratory, Silent, graph, node

START, END = node("start", "start"), node("end", "end")
EDGES = "start > loop, loop > end"


@pytest.fixture
def lab() -> Laboratory:
    return Laboratory()


async def test_the_output_is_the_list_of_what_each_item_gave(lab: Laboratory) -> None:
    drawn = graph(
        START,
        node("loop", "loop", items="inputs.words"),
        node("shout", "template", inside="loop", template="{{ index }}{{ item | upper }}"),
        END,
        edges=EDGES,
    )
    traced = await lab.run(drawn, words=["a", "b"])
    assert traced.output == ["0A", "1B"]
    assert [step.iteration for step in traced.of("shout")] == [0, 1]
    assert {step.parent_step_id for step in traced.of("shout")} == {traced.one("loop").id}
    assert traced.one("loop").input == {"items": ["a", "b"]}


async def test_no_items_give_an_empty_list(lab: Laboratory) -> None:
    drawn = graph(
        START,
        node("loop", "loop", items="[]"),
        node("x", "template", inside="loop", template="x"),
        END,
        edges=EDGES,
    )
    assert (await lab.run(drawn)).output == []


@pytest.mark.parametrize("items", ["'abc'", "5", "none", "inputs"])
async def test_items_that_are_no_list_fail_the_loop(lab: Laboratory, items: str) -> None:
    drawn = graph(
        START,
        node("loop", "loop", items=items),
        node("x", "template", inside="loop", template="x"),
        END,
        edges=EDGES,
    )
    assert (await lab.run(drawn)).failure == ("NOT_A_LIST", "loop")


async def test_an_inner_loop_sees_its_own_item_and_its_outer_ones_nodes(lab: Laboratory) -> None:
    drawn = graph(
        START,
        node("rows", "loop", items="[[1, 2], [3]]"),
        node("outer", "template", inside="rows", template="row {{ index }}"),
        node("cells", "loop", inside="rows", items="item"),
        node("cell", "template", inside="cells", template="{{ nodes.outer.output }}: {{ item }}"),
        END,
        edges="start > rows, outer > cells, rows > end",
    )
    traced = await lab.run(drawn)
    assert traced.output == [["row 0: 1", "row 0: 2"], ["row 1: 3"]]
    assert len({step.id for step in traced.steps}) == len(traced.steps) == 10


async def test_a_body_sees_what_came_before_the_loop_and_no_other_turn(lab: Laboratory) -> None:
    drawn = graph(
        START,
        node("before", "template", template="before"),
        node("loop", "loop", items="[1, 2]"),
        node(
            "seen",
            "template",
            inside="loop",
            template="{{ nodes.before.output }} {{ nodes.late.output | default('fresh') }}",
        ),
        node("late", "template", inside="loop", template="{{ nodes.seen.output }}!"),
        END,
        edges="start > before, before > loop, seen > late, loop > end",
    )
    assert (await lab.run(drawn)).output == ["before fresh!", "before fresh!"]


async def test_several_last_nodes_give_an_object_by_id(lab: Laboratory) -> None:
    drawn = graph(
        START,
        node("loop", "loop", items="[1]"),
        node("one", "template", inside="loop", template="1"),
        node("two", "template", inside="loop", template="2"),
        END,
        edges=EDGES,
    )
    assert (await lab.run(drawn)).output == [{"one": "1", "two": "2"}]


async def test_a_turn_whose_last_nodes_are_all_skipped_gives_null(lab: Laboratory) -> None:
    drawn = graph(
        START,
        node("loop", "loop", items="[1, 2]"),
        node("odd", "condition", inside="loop", cases=[{"handle": "yes", "when": "item is odd"}]),
        node("text", "template", inside="loop", template="{{ item }}"),
        END,
        edges="start > loop, odd.yes > text, loop > end",
    )
    assert (await lab.run(drawn)).output == [1, None]


async def test_the_branch_taken_gives_the_turns_result(lab: Laboratory) -> None:
    drawn = graph(
        START,
        node("loop", "loop", items="[1, 2]"),
        node("odd", "condition", inside="loop", cases=[{"handle": "yes", "when": "item is odd"}]),
        node("a", "template", inside="loop", template="odd"),
        node("b", "template", inside="loop", template="even"),
        END,
        edges="start > loop, odd.yes > a, odd.else > b, loop > end",
    )
    assert (await lab.run(drawn)).output == ["odd", "even"]


async def test_turns_at_once_give_their_results_in_order(lab: Laboratory) -> None:
    drawn = graph(
        START,
        node("loop", "loop", items="[5, 1, 3, 1]", concurrency=2),
        node("wait", "delay", inside="loop", seconds="{{ item }}"),
        node("text", "template", inside="loop", template="{{ item }}"),
        END,
        edges="start > loop, wait > text, loop > end",
    )
    traced = await lab.run(drawn)
    assert traced.output == [5, 1, 3, 1]
    assert traced.seconds == 5


async def test_turns_follow_each_other_by_default(lab: Laboratory) -> None:
    drawn = graph(
        START,
        node("loop", "loop", items="[1, 2]"),
        node("wait", "delay", inside="loop", seconds="{{ item }}"),
        END,
        edges=EDGES,
    )
    assert (await lab.run(drawn)).seconds == 3


async def test_while_is_looked_at_before_each_turn_and_sees_index_and_last(
    lab: Laboratory,
) -> None:
    drawn = graph(
        START,
        node("loop", "loop", while_="index == 0 or last < 20"),
        node("double", "template", inside="loop", template="{{ (last or 1) * 3 }}"),
        END,
        edges=EDGES,
    )
    assert (await lab.run(drawn)).output == [3, 9, 27]


async def test_a_while_that_is_false_at_once_gives_an_empty_list(lab: Laboratory) -> None:
    drawn = graph(
        START,
        node("loop", "loop", while_="false"),
        node("x", "template", inside="loop", template="x"),
        END,
        edges=EDGES,
    )
    assert (await lab.run(drawn)).output == []


@pytest.mark.parametrize(("config", "turns"), [({}, 100), ({"max_iterations": 7}, 7)])
async def test_reaching_max_iterations_ends_a_while_loop(
    lab: Laboratory, config: dict[str, Any], turns: int
) -> None:
    drawn = graph(
        START,
        node("loop", "loop", while_="true", **config),
        node("x", "template", inside="loop", template="x"),
        END,
        edges=EDGES,
    )
    assert len((await lab.run(drawn)).output) == turns


async def test_more_items_than_max_iterations_fail_before_the_first_turn(lab: Laboratory) -> None:
    drawn = graph(
        START,
        node("loop", "loop", items="range(4)", max_iterations=3),
        node("x", "template", inside="loop", template="x"),
        END,
        edges=EDGES,
    )
    traced = await lab.run(drawn)
    assert traced.failure == ("MAX_ITERATIONS", "loop")
    assert traced.of("x") == []


@pytest.mark.parametrize(("policy", "output"), [("skip", [1, 0.5]), ("null", [1, None, 0.5])])
async def test_a_failed_turn_is_left_out_or_null_as_the_loop_says(
    lab: Laboratory, policy: str, output: list[object]
) -> None:
    drawn = graph(
        START,
        node("loop", "loop", items="[1, 0, 2]", on_item_error=policy),
        node("divide", "template", inside="loop", template="{{ 1 / item }}"),
        END,
        edges=EDGES,
    )
    traced = await lab.run(drawn)
    assert traced.output == output
    assert [step.status.value for step in traced.of("divide")] == [
        "completed",
        "failed",
        "completed",
    ]


async def test_a_failed_turn_fails_the_loop_and_the_run_by_default(lab: Laboratory) -> None:
    drawn = graph(
        START,
        node("loop", "loop", items="[1, 0, 2]"),
        node("divide", "template", inside="loop", template="{{ 1 / item }}"),
        END,
        edges=EDGES,
    )
    traced = await lab.run(drawn)
    assert traced.failure == ("TEMPLATE_ERROR", "divide")
    assert traced.one("loop").status is StepStatus.FAILED
    assert len(traced.of("divide")) == 2


async def test_a_turn_at_once_with_a_failed_one_stands_as_cancelled(lab: Laboratory) -> None:
    drawn = graph(
        START,
        node("loop", "loop", items="[0, 9]", concurrency=2),
        node("wait", "delay", inside="loop", seconds="{{ item }}"),
        node("divide", "template", inside="loop", template="{{ 1 / item }}"),
        END,
        edges="start > loop, wait > divide, loop > end",
    )
    traced = await lab.run(drawn)
    assert traced.failure == ("TEMPLATE_ERROR", "divide")
    slow = traced.of("wait")[1]
    assert slow.error is not None and slow.error.code == "CANCELLED"
    assert traced.seconds < 9


async def test_a_loop_can_be_tried_again_as_a_whole(lab: Laboratory) -> None:
    drawn = graph(
        START,
        node("loop", "loop", items="[1, 0]", retry=Retry(max_attempts=3, backoff_seconds=2)),
        node("divide", "template", inside="loop", template="{{ 1 / item }}"),
        END,
        edges=EDGES,
    )
    traced = await lab.run(drawn)
    loop = traced.one("loop")
    assert (loop.attempt, len(loop.logs)) == (3, 2)
    assert traced.seconds == 2 + 4


async def test_a_failed_loop_can_leave_by_its_error_handle(lab: Laboratory) -> None:
    drawn = graph(
        START,
        node("loop", "loop", items="[0]", on_error=OnError.BRANCH),
        node("divide", "template", inside="loop", template="{{ 1 / item }}"),
        END,
        edges="start > loop, loop.error > end",
    )
    assert (await lab.run(drawn)).output["code"] == "TEMPLATE_ERROR"


async def test_an_edge_for_errors_alone_does_not_hide_a_turns_result(lab: Laboratory) -> None:
    drawn = graph(
        START,
        node("loop", "loop", items="[2, 0]"),
        node(
            "divide", "template", inside="loop", template="{{ 1 / item }}", on_error=OnError.BRANCH
        ),
        node("rescue", "template", inside="loop", template="rescued"),
        END,
        edges="start > loop, divide.error > rescue, loop > end",
    )
    assert (await lab.run(drawn)).output == [0.5, "rescued"]


async def test_a_loop_is_bounded_in_time() -> None:
    drawn = graph(
        START,
        node("loop", "loop", items="[1]", timeout=0.01),
        node("wait", "http", inside="loop", url="http://silent.test"),
        END,
        edges=EDGES,
    )
    assert (await Laboratory(http=Silent()).run(drawn)).failure == ("TIMEOUT", "loop")
