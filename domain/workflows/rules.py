"""Whether a canvas that makes sense as data is also finished: what keeps it from running."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from orbiter.domain.code import UnreadableCode, argument_of_main
from orbiter.domain.workflows.canvas import Canvas, Node, OnError
from orbiter.domain.workflows.node_kinds import ERROR

Pairs = Sequence[tuple[str, str]]

# Of all code on a canvas: reading it holds up the process.
CODE_MAX: Final = 256 * 1024
_TOO_MUCH_CODE: Final = f"The nodes' code is longer than {CODE_MAX // 1024} KiB together"


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """One thing that is unfinished; *node_id* is None when it is the canvas as a whole."""

    node_id: str | None
    code: str
    message: str


def issues_of(canvas: Canvas) -> tuple[Issue, ...]:
    """Return everything that keeps *canvas* from running, in the order of its nodes."""
    rules = (_ends, _configs, _codes, _loops, _edges, _walks)
    found = [issue for rule in rules for issue in rule(canvas)]
    order = {node.id: index for index, node in enumerate(canvas.nodes)}
    return tuple(sorted(found, key=lambda issue: order.get(issue.node_id or "", -1)))


def _ends(canvas: Canvas) -> Iterator[Issue]:
    starts = [node for node in canvas.nodes if node.type == "start"]
    if not starts:
        yield Issue(node_id=None, code="NO_START", message="The workflow has no start node")
    for extra in starts[1:]:
        yield Issue(node_id=extra.id, code="SEVERAL_STARTS", message="There is a start already")
    if not any(node.type == "end" for node in canvas.nodes):
        yield Issue(node_id=None, code="NO_END", message="The workflow has no end node")


def _configs(canvas: Canvas) -> Iterator[Issue]:
    for node in canvas.nodes:
        for name in sorted(node.kind.needed):
            if node.config.get(name) in (None, ""):
                message = f"The setting '{name}' is missing"
                yield Issue(node_id=node.id, code="MISSING_CONFIG", message=message)
        for code, message in node.kind.complaints(node.config):
            yield Issue(node_id=node.id, code=code, message=message)


def _codes(canvas: Canvas) -> Iterator[Issue]:
    left = CODE_MAX
    for node in canvas.nodes:
        code = node.config.get("code")
        if node.type == "code" and code:
            left -= len(code)
            message = _of_code(code) if left >= 0 else _TOO_MUCH_CODE
            if message is not None:
                yield Issue(node_id=node.id, code="INVALID_CODE", message=message)


def _of_code(code: str) -> str | None:
    try:
        argument_of_main(code)
    except UnreadableCode as unreadable:
        return unreadable.message
    return None


def _loops(canvas: Canvas) -> Iterator[Issue]:
    parents = {node.parent_id for node in canvas.nodes if node.kind.runs}
    for node in canvas.nodes:
        if node.type == "loop" and node.id not in parents:
            yield Issue(node_id=node.id, code="EMPTY_LOOP", message="The loop has no body")
        if node.type in ("start", "end") and node.parent_id is not None:
            message = f"A loop's body can't hold a node of type '{node.type}'"
            yield Issue(node_id=node.id, code="NOT_IN_A_LOOP", message=message)


def _edges(canvas: Canvas) -> Iterator[Issue]:
    nodes = {node.id: node for node in canvas.nodes}
    for edge in canvas.edges:
        source, target = nodes[edge.source], nodes[edge.target]
        if source.parent_id != target.parent_id:
            message = f"The edge to '{target.id}' crosses the border of a loop"
            yield Issue(node_id=source.id, code="EDGE_CROSSES_LOOP", message=message)
        if edge.leaves_by not in _handles(source):
            message = f"There is no handle '{edge.leaves_by}' to leave by"
            yield Issue(node_id=source.id, code="UNKNOWN_HANDLE", message=message)
        if target.type == "start" or not target.kind.runs:
            message = f"A node of type '{target.type}' takes no edge"
            yield Issue(node_id=target.id, code="UNEXPECTED_EDGE", message=message)


def _handles(node: Node) -> frozenset[str]:
    own = node.kind.handles(node.config)
    return own | {ERROR} if node.on_error is OnError.BRANCH else own


def _walks(canvas: Canvas) -> Iterator[Issue]:
    """Yield cycles, of the top and of each loop's body, and what no path leads to."""
    bodies: dict[str | None, list[Node]] = defaultdict(list)
    edges: dict[str | None, list[tuple[str, str]]] = defaultdict(list)
    parents: dict[str, str | None] = {}
    for node in canvas.nodes:
        if node.kind.runs:
            bodies[node.parent_id].append(node)
            parents[node.id] = node.parent_id
    for edge in canvas.edges:
        together = {edge.source, edge.target} <= parents.keys()
        if together and parents[edge.source] == parents[edge.target]:
            edges[parents[edge.source]].append((edge.source, edge.target))
    for parent_id, body in bodies.items():
        yield from _cycles(body, edges[parent_id])
    yield from _unreachable(bodies[None], edges[None])


def _cycles(body: list[Node], edges: Pairs) -> Iterator[Issue]:
    # What is left when everything is peeled off that lies before all cycles or behind them.
    backwards = [(target, source) for source, target in edges]
    peeled = _in_order(body, edges) | _in_order(body, backwards)
    for node in body:
        if node.id not in peeled:
            message = "The node is part of a cycle, or between two"
            yield Issue(node_id=node.id, code="CYCLE", message=message)


def _in_order(body: list[Node], edges: Pairs) -> set[str]:
    """Return the nodes that have no cycle before them, by Kahn's algorithm."""
    waiting = Counter(target for _, target in edges)
    queue = [node.id for node in body if node.id not in waiting]
    onward = _onward(edges)
    ordered = set(queue)
    while queue:
        for target in onward[queue.pop()]:
            waiting[target] -= 1
            if not waiting[target]:
                ordered.add(target)
                queue.append(target)
    return ordered


def _unreachable(body: list[Node], edges: Pairs) -> Iterator[Issue]:
    queue = [node.id for node in body if node.type == "start"]
    onward = _onward(edges)
    reached = set(queue)
    while queue:
        fresh = set(onward[queue.pop()]) - reached
        reached |= fresh
        queue.extend(fresh)
    for node in body:
        if node.id not in reached:
            yield Issue(node_id=node.id, code="UNREACHABLE", message="No path leads to the node")


def _onward(edges: Pairs) -> dict[str, list[str]]:
    onward: dict[str, list[str]] = defaultdict(list)
    for source, target in edges:
        onward[source].append(target)
    return onward
