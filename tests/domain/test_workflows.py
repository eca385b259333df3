"""What makes a canvas sensible as data, and what keeps it from running."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orbiter.domain.workflows import Canvas, Edge, Node, Retry, issues_of


def a_canvas(*nodes: Node, edges: tuple[tuple[str, str], ...] = ()) -> Canvas:
    drawn = (Edge(id=f"{a}-{b}", source=a, target=b) for a, b in edges)
    return Canvas(nodes=nodes, edges=tuple(drawn))


START, END = Node(id="start", type="start"), Node(id="end", type="end")


def test_a_start_and_an_end_are_enough_to_run() -> None:
    assert issues_of(a_canvas(START, END, edges=(("start", "end"),))) == ()


def test_an_empty_canvas_lacks_both_ends() -> None:
    assert {issue.code for issue in issues_of(Canvas())} == {"NO_START", "NO_END"}


@pytest.mark.parametrize(
    ("canvas", "field", "type"),
    [
        (a_canvas(START, START), "nodes.1.id", "value_error"),
        (a_canvas(Node(id="x", type="nonsense")), "nodes.0.type", "enum"),
        (a_canvas(START, edges=(("start", "gone"),)), "edges.0.target", "value_error"),
        (
            a_canvas(Node(id="x", type="template", config={"template": 5})),
            "nodes.0.config.template",
            "string_type",
        ),
        (
            a_canvas(Node(id="x", type="note", config={"colour": "red"})),
            "nodes.0.config.colour",
            "extra_forbidden",
        ),
        (
            a_canvas(Node(id="x", type="agent", config={"agent": {"tool_choice": "often"}})),
            "nodes.0.config.agent.tool_choice",
            "enum",
        ),
        (a_canvas(Node(id="x", type="note", parent_id="y")), "nodes.0.parent_id", "value_error"),
        (a_canvas(Node(id="", type="merge")), "nodes.0.id", "string_too_short"),
        (a_canvas(Node(id="x" * 101, type="merge")), "nodes.0.id", "string_too_long"),
        (
            a_canvas(Node(id="x", type="merge", retry=Retry(max_attempts=11))),
            "nodes.0.retry.max_attempts",
            "less_than_equal",
        ),
        (
            a_canvas(Node(id="x", type="merge", retry=Retry(backoff_seconds=-1))),
            "nodes.0.retry.backoff_seconds",
            "greater_than_equal",
        ),
        (
            a_canvas(Node(id="x", type="merge", timeout_seconds=0)),
            "nodes.0.timeout_seconds",
            "greater_than_equal",
        ),
    ],
)
def test_what_makes_no_sense_as_data_is_told_by_field(
    canvas: Canvas, field: str, type: str
) -> None:
    assert [(problem.field, problem.type) for problem in canvas.problems()] == [(field, type)]


def test_unfinished_config_cycles_and_islands_are_issues() -> None:
    canvas = a_canvas(
        START,
        END,
        Node(id="blank", type="template"),
        Node(id="a", type="merge"),
        Node(id="b", type="merge"),
        edges=(("start", "end"), ("a", "b"), ("b", "a")),
    )
    assert list(canvas.problems()) == []
    assert {(issue.node_id, issue.code) for issue in issues_of(canvas)} == {
        ("blank", "MISSING_CONFIG"),
        ("blank", "UNREACHABLE"),
        ("a", "CYCLE"),
        ("a", "UNREACHABLE"),
        ("b", "CYCLE"),
        ("b", "UNREACHABLE"),
    }


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=20))
def test_a_chain_drawn_forwards_never_has_a_cycle(pairs: list[tuple[int, int]]) -> None:
    nodes = tuple(Node(id=str(number), type="merge") for number in range(7))
    forwards = tuple((str(a), str(b)) for a, b in sorted(set(pairs)) if a < b)
    codes = {issue.code for issue in issues_of(a_canvas(*nodes, edges=forwards))}
    assert "CYCLE" not in codes


@given(st.sets(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=16))
def test_a_cycle_is_told_of_the_nodes_on_it_or_between_two(pairs: set[tuple[int, int]]) -> None:
    nodes = tuple(Node(id=str(number), type="merge") for number in range(7))
    canvas = a_canvas(*nodes, edges=tuple((str(a), str(b)) for a, b in sorted(pairs)))
    leads_to = set(pairs)
    for middle, a, b in product(range(7), repeat=3):
        if {(a, middle), (middle, b)} <= leads_to:
            leads_to.add((a, b))
    circling = {node for node in range(7) if (node, node) in leads_to}
    between = {
        node
        for node in range(7)
        if any((a, node) in leads_to for a in circling)
        and any((node, b) in leads_to for b in circling)
    }
    told = {issue.node_id for issue in issues_of(canvas) if issue.code == "CYCLE"}
    assert told == {str(node) for node in circling | between}


def test_what_lies_behind_a_cycle_is_reached_all_the_same() -> None:
    loop = (Node(id="a", type="merge"), Node(id="b", type="merge"))
    edges = (("start", "a"), ("a", "b"), ("b", "a"), ("b", "end"))
    codes = [
        (each.node_id, each.code) for each in issues_of(a_canvas(START, *loop, END, edges=edges))
    ]
    assert codes == [("a", "CYCLE"), ("b", "CYCLE")]


def test_loops_lie_at_most_ten_levels_deep_in_each_other() -> None:
    loops = [
        Node(id=f"l{level}", type="loop", parent_id=f"l{level - 1}" if level else None)
        for level in range(12)
    ]
    assert [problem.field for problem in a_canvas(*loops).problems()] == ["nodes.11.parent_id"]


@pytest.mark.parametrize(
    ("auth", "missing"),
    [
        ({"type": "none"}, []),
        ({"type": "bearer", "token": "t"}, []),
        ({"type": "bearer"}, ["auth.token"]),
        ({"type": "basic"}, ["auth.username"]),
        ({"type": "header", "name": ""}, ["auth.name", "auth.value"]),
    ],
)
def test_credentials_that_lack_a_part_are_an_issue(
    auth: dict[str, str], missing: list[str]
) -> None:
    call = Node(id="call", type="http", config={"url": "http://a.test", "auth": auth})
    canvas = a_canvas(START, call, END, edges=(("start", "call"), ("call", "end")))
    expected = [f"The setting '{name}' is missing" for name in missing]
    assert [issue.message for issue in issues_of(canvas)] == expected


def test_a_note_takes_and_gives_no_edge() -> None:
    note = Node(id="note", type="note")
    edges = (("start", "end"), ("start", "note"), ("note", "end"))
    codes = {issue.code for issue in issues_of(a_canvas(START, END, note, edges=edges))}
    assert codes == {"UNEXPECTED_EDGE", "UNKNOWN_HANDLE"}


def test_the_pause_between_attempts_grows() -> None:
    retry = Retry(max_attempts=4, backoff_seconds=1, multiplier=2)
    assert [retry.pause_before(attempt) for attempt in (2, 3, 4)] == [1, 2, 4]


def test_a_pause_is_an_hour_at_most() -> None:
    assert Retry(backoff_seconds=3600, multiplier=10).pause_before(10) == 3600
