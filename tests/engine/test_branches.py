"""Which nodes run, which are skipped, and what comes out."""

import pytest

from orbiter.domain.runs import StepStatus
from orbiter.domain.workflows import Node
from support.graphs import Laboratory, graph, node

START, END = node("start", "start"), node("end", "end")


@pytest.fixture
def lab() -> Laboratory:
    return Laboratory()


def a_switch(id: str = "switch") -> Node:
    return node(
        id,
        "condition",
        cases=[
            {"handle": "big", "when": "inputs.n > 100"},
            {"handle": "middle", "when": "inputs.n > 10"},
        ],
    )


async def test_a_start_gives_the_inputs_and_an_end_passes_on_what_came_before(
    lab: Laboratory,
) -> None:
    traced = await lab.run(graph(START, END, edges="start > end"), a=1)
    assert traced.output == {"a": 1}


@pytest.mark.parametrize(("n", "handle"), [(1000, "big"), (50, "middle"), (1, "else")])
async def test_the_first_case_that_is_true_goes_on(lab: Laboratory, n: int, handle: str) -> None:
    drawn = graph(
        START,
        a_switch(),
        *(node(name, "template", template=name) for name in ("big", "middle", "else")),
        END,
        edges="start > switch, switch.big > big, switch.middle > middle, switch.else > else,"
        "big > end, middle > end, else > end",
    )
    traced = await lab.run(drawn, n=n)
    assert traced.output == handle
    assert traced.one("switch").output == {"handle": handle}
    assert traced.nodes(StepStatus.SKIPPED) == {"big", "middle", "else"} - {handle}


async def test_the_else_handle_can_have_another_name(lab: Laboratory) -> None:
    drawn = graph(
        START,
        node("switch", "condition", cases=[{"handle": "yes", "when": "false"}], else_="no"),
        END,
        edges="start > switch, switch.no > end",
    )
    assert (await lab.run(drawn)).output == {"handle": "no"}


async def test_what_lies_behind_a_skipped_node_alone_is_skipped_too(lab: Laboratory) -> None:
    drawn = graph(
        START,
        a_switch(),
        node("first", "template", template="1"),
        node("second", "template", template="2"),
        node("inner", "condition", cases=[{"handle": "x", "when": "true"}]),
        END,
        edges="start > switch, switch.big > first, first > second, second > inner,"
        "inner.x > end, switch.else > end",
    )
    traced = await lab.run(drawn, n=1)
    assert traced.output == {"handle": "else"}
    assert traced.nodes(StepStatus.SKIPPED) == {"first", "second", "inner"}
    assert traced.one("second").started_at is None


async def test_a_long_chain_can_be_skipped(lab: Laboratory) -> None:
    names = [f"n{number}" for number in range(480)]
    chain = ", ".join(f"{a} > {b}" for a, b in zip(names, names[1:], strict=False))
    drawn = graph(
        START,
        a_switch(),
        *(node(name, "merge") for name in names),
        END,
        edges=f"start > switch, switch.big > n0, {chain}, switch.else > end",
    )
    traced = await lab.run(drawn, n=1)
    assert len(traced.nodes(StepStatus.SKIPPED)) == 480


async def test_a_merge_of_all_gives_its_live_inputs_by_id(lab: Laboratory) -> None:
    drawn = graph(
        START,
        a_switch(),
        node("a", "template", template="A"),
        node("b", "template", template="B"),
        node("c", "template", template="C"),
        node("join", "merge"),
        END,
        edges="start > a, start > b, start > switch, switch.big > c,"
        "c > join, b > join, a > join, join > end",
    )
    traced = await lab.run(drawn, n=1)
    assert traced.output == {"a": "A", "b": "B"}
    assert traced.one("c").status is StepStatus.SKIPPED


async def test_a_merge_of_any_runs_once_at_the_first_that_ends(lab: Laboratory) -> None:
    drawn = graph(
        START,
        node("slow", "delay", seconds=9),
        node("quick", "delay", seconds=2),
        node("slow_text", "template", template="slow"),
        node("quick_text", "template", template="quick"),
        node("race", "merge", join="any"),
        node("behind", "delay", seconds=1),
        node("end", "end", output="{{ nodes.race.output }} won"),
        edges="start > slow, start > quick, slow > slow_text, quick > quick_text,"
        "slow_text > race, quick_text > race, race > behind, behind > end",
    )
    traced = await lab.run(drawn)
    assert traced.output == "quick won"
    finished = traced.one("end").finished_at
    begun = traced.one("start").started_at
    assert finished and begun and (finished - begun).total_seconds() == 3


async def test_a_run_does_not_wait_for_what_has_lost(lab: Laboratory) -> None:
    drawn = graph(
        START,
        node("reply", "delay", seconds=2),
        node("patience", "delay", seconds=3600),
        node("late", "delay", seconds=1),
        node("race", "merge", join="any"),
        node("end", "end", output="done"),
        edges="start > reply, start > patience, patience > late,"
        "reply > race, late > race, race > end",
    )
    traced = await lab.run(drawn)
    assert (traced.output, traced.seconds) == ("done", 2)
    assert traced.nodes(StepStatus.SKIPPED) == {"patience", "late"}
    patience = traced.one("patience")
    assert patience.finished_at and patience.error is None
    assert patience.logs == ("Stopped: what it leads to has gone on",)


async def test_what_has_lost_goes_on_while_there_is_something_to_wait_for(lab: Laboratory) -> None:
    drawn = graph(
        START,
        node("quick", "delay", seconds=1),
        node("slow", "delay", seconds=2),
        node("behind", "template", template="behind"),
        node("race", "merge", join="any"),
        node("long", "delay", seconds=5),
        END,
        edges="start > quick, start > slow, slow > behind, quick > race, behind > race,"
        "race > long, long > end",
    )
    traced = await lab.run(drawn)
    assert traced.seconds == 6
    assert traced.nodes(StepStatus.SKIPPED) == set()


async def test_what_leads_elsewhere_too_is_waited_for(lab: Laboratory) -> None:
    drawn = graph(
        START,
        node("quick", "delay", seconds=1),
        node("slow", "delay", seconds=4),
        node("log", "template", template="logged"),
        node("race", "merge", join="any"),
        END,
        edges="start > quick, start > slow, quick > race, slow > race, slow > log, race > end",
    )
    traced = await lab.run(drawn)
    assert traced.seconds == 4
    assert traced.one("log").output == "logged"


async def test_a_loop_that_has_lost_is_stopped_with_all_in_it(lab: Laboratory) -> None:
    drawn = graph(
        START,
        node("quick", "delay", seconds=1),
        node("loop", "loop", items="range(9)", concurrency=3),
        node("wait", "delay", inside="loop", seconds=60),
        node("race", "merge", join="any"),
        END,
        edges="start > quick, start > loop, quick > race, loop > race, race > end",
    )
    traced = await lab.run(drawn)
    assert traced.seconds == 1
    assert traced.one("loop").status is StepStatus.SKIPPED
    assert not traced.nodes(StepStatus.RUNNING)


async def test_each_turn_of_a_loop_can_be_a_race(lab: Laboratory) -> None:
    drawn = graph(
        START,
        node("loop", "loop", items="[1, 2]"),
        node("quick", "delay", inside="loop", seconds="{{ item }}"),
        node("slow", "delay", inside="loop", seconds=60),
        node("race", "merge", inside="loop", join="any"),
        node("won", "template", inside="loop", template="{{ item }}"),
        END,
        edges="start > loop, quick > race, slow > race, race > won, loop > end",
    )
    traced = await lab.run(drawn)
    assert (traced.output, traced.seconds) == ([1, 2], 3)


async def test_a_merge_of_any_does_not_mind_a_skipped_input(lab: Laboratory) -> None:
    drawn = graph(
        START,
        a_switch(),
        node("a", "template", template="A"),
        node("race", "merge", join="any"),
        END,
        edges="start > switch, switch.big > race, switch.else > a, a > race, race > end",
    )
    assert (await lab.run(drawn, n=1)).output == "A"


async def test_a_merge_is_skipped_when_all_its_inputs_are(lab: Laboratory) -> None:
    drawn = graph(
        START,
        a_switch(),
        node("all", "merge"),
        node("any", "merge", join="any"),
        END,
        edges="start > switch, switch.big > all, switch.middle > all, switch.big > any,"
        "switch.else > end, all > end, any > end",
    )
    traced = await lab.run(drawn, n=1)
    assert traced.nodes(StepStatus.SKIPPED) == {"all", "any"}


async def test_of_several_ends_the_one_reached_gives_the_output(lab: Laboratory) -> None:
    drawn = graph(
        START,
        a_switch(),
        node("one", "end", output="one"),
        node("two", "end", output={"deep": ["{{ inputs.n }}", 2]}),
        edges="start > switch, switch.big > one, switch.else > two",
    )
    traced = await lab.run(drawn, n=1)
    assert traced.output == {"deep": [1, 2]}
    assert traced.one("one").status is StepStatus.SKIPPED


async def test_several_ends_that_are_reached_give_an_object_by_id(lab: Laboratory) -> None:
    drawn = graph(
        START,
        node("one", "end", output=1),
        node("two", "end", output=2),
        edges="start > two, start > one",
    )
    assert (await lab.run(drawn)).output == {"one": 1, "two": 2}


async def test_a_run_that_reaches_no_end_completes_without_output(lab: Laboratory) -> None:
    drawn = graph(START, a_switch(), END, edges="start > switch, switch.big > end")
    traced = await lab.run(drawn, n=1)
    assert (traced.run.status.value, traced.run.output) == ("completed", None)


async def test_an_end_without_output_after_several_nodes_gives_them_by_id(
    lab: Laboratory,
) -> None:
    drawn = graph(
        START,
        node("a", "template", template="A"),
        node("b", "template", template="B"),
        END,
        edges="start > b, start > a, a > end, b > end",
    )
    assert (await lab.run(drawn)).output == {"b": "B", "a": "A"}


async def test_branches_run_at_the_same_time(lab: Laboratory) -> None:
    drawn = graph(
        START,
        *(node(name, "delay", seconds=1) for name in "abc"),
        END,
        edges="start > a, start > b, start > c, a > end, b > end, c > end",
    )
    assert (await lab.run(drawn)).seconds == 1


async def test_two_edges_between_the_same_nodes_are_one_input(lab: Laboratory) -> None:
    drawn = graph(
        START,
        node(
            "switch",
            "condition",
            cases=[{"handle": "a", "when": "true"}, {"handle": "b", "when": "true"}],
        ),
        node("join", "merge"),
        END,
        edges="start > switch, switch.a > join, switch.b > join, join > end",
    )
    assert (await lab.run(drawn)).output == {"switch": {"handle": "a"}}


async def test_a_note_never_runs_and_leaves_no_step(lab: Laboratory) -> None:
    drawn = graph(START, END, node("note", "note", text="remember"), edges="start > end")
    assert [step.node_id for step in (await lab.run(drawn)).steps] == ["start", "end"]


async def test_what_a_node_sees_of_one_that_was_skipped_can_be_defaulted(lab: Laboratory) -> None:
    drawn = graph(
        START,
        a_switch(),
        node("a", "template", template="A"),
        node("end", "end", output="{{ nodes.a.output | default('none') }}"),
        edges="start > switch, switch.big > a, a > end, switch.else > end",
    )
    assert (await lab.run(drawn, n=1)).output == "none"
    assert (await lab.run(drawn, n=1000)).output == "A"


async def test_a_node_sees_only_the_nodes_it_comes_after(lab: Laboratory) -> None:
    drawn = graph(
        START,
        node("a", "template", template="A"),
        node("b", "template", template="{{ nodes.a.output }}"),
        END,
        edges="start > a, start > b, a > end, b > end",
    )
    traced = await lab.run(drawn)
    assert traced.failure == ("TEMPLATE_ERROR", "b")
    assert traced.run.error is not None
    assert traced.run.error.message == "`nodes.a.output` is undefined"


async def test_a_merge_of_any_that_is_skipped_takes_nothing_with_it(lab: Laboratory) -> None:
    drawn = graph(
        START,
        node("loop", "loop", items="[1]"),
        node("set", "variable", inside="loop", name="seen", value="{{ item }}"),
        node("pick", "condition", inside="loop", cases=[{"handle": "yes", "when": "false"}]),
        node("race", "merge", inside="loop", join="any"),
        node("say", "template", template="{{ vars.seen }}"),
        END,
        edges="start > loop, set > pick, pick.yes > race, loop > say, say > end",
    )
    traced = await lab.run(drawn)
    assert (traced.run.error, traced.output) == (None, 1)
    assert traced.one("race").status is StepStatus.SKIPPED
