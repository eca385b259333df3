"""Whether a canvas that makes sense as data is also finished: what keeps it from running."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from orbiter.domain.workflows.canvas import Canvas, Node, OnError
from orbiter.domain.workflows.node_kinds import ERROR


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """One thing that is unfinished; *node_id* is None when it is the canvas as a whole."""

    node_id: str | None
    code: str
    message: str


def issues_of(canvas: Canvas) -> tuple[Issue, ...]:
    """Return everything that keeps *canvas* from running, in the order of its nodes."""
    found = [*_ends(canvas), *_configs(canvas), *_loops(canvas), *_edges(canvas), *_walks(canvas)]
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
    """Yield unreachable nodes and cycles, by Kahn's order of each body."""
    bodies: dict[str | None, list[Node]] = defaultdict(list)
    for node in canvas.nodes:
        if node.kind.runs:
            bodies[node.parent_id].append(node)
    for parent_id, body in bodies.items():
        yield from _walk(canvas, body, top=parent_id is None)


def _walk(canvas: Canvas, body: list[Node], *, top: bool) -> Iterator[Issue]:
    inside = {node.id for node in body}
    onward: dict[str, list[str]] = defaultdict(list)
    waiting = dict.fromkeys(inside, 0)
    for edge in canvas.edges:
        if edge.source in inside and edge.target in inside:
            onward[edge.source].append(edge.target)
            waiting[edge.target] += 1
    entries = [node.id for node in body if not waiting[node.id]]
    ordered = _in_order(entries, onward, dict(waiting))
    starts = [node.id for node in body if node.type == "start"] if top else entries
    reached = _reached(starts, onward)
    for node in body:
        if node.id not in ordered:
            yield Issue(
                node_id=node.id, code="CYCLE", message="The node is part of a cycle or behind one"
            )
        elif node.id not in reached:
            yield Issue(node_id=node.id, code="UNREACHABLE", message="No path leads to the node")


def _in_order(ready: list[str], onward: dict[str, list[str]], waiting: dict[str, int]) -> set[str]:
    ordered, queue = set(ready), list(ready)
    while queue:
        for target in onward[queue.pop()]:
            waiting[target] -= 1
            if not waiting[target]:
                ordered.add(target)
                queue.append(target)
    return ordered


def _reached(starts: list[str], onward: dict[str, list[str]]) -> set[str]:
    reached, queue = set(starts), list(starts)
    while queue:
        fresh = [target for target in onward[queue.pop()] if target not in reached]
        reached.update(fresh)
        queue.extend(fresh)
    return reached
