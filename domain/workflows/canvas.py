"""The canvas: nodes and edges as they are drawn, and whether they make sense as data."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from orbiter.domain.checks import text_problems
from orbiter.domain.errors import FieldProblem
from orbiter.domain.settings import Number
from orbiter.domain.workflows.node_kinds import NODE_KINDS, OUTPUT, NodeKind

NODES_MAX: Final = 500
EDGES_MAX: Final = 5000
ID_MAX: Final = 100
LABEL_MAX: Final = 255
LOOPS_MAX: Final = 10
PAUSE_MAX: Final = 3600
DAY: Final = 24 * 3600


_ATTEMPTS: Final = Number(1, 10, whole=True)
_BACKOFF: Final = Number(0, PAUSE_MAX)
_MULTIPLIER: Final = Number(1, 10)
_TIMEOUT: Final = Number(0.001, DAY)


class OnError(StrEnum):
    """How a graph goes on when a node has failed for good."""

    FAIL = "fail"
    CONTINUE = "continue"
    BRANCH = "branch"


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """How often a node is tried; the pause grows by *multiplier* each time, to an hour at most."""

    max_attempts: int = 1
    backoff_seconds: float = 1
    multiplier: float = 2

    def problems(self, field: str) -> Iterator[FieldProblem]:
        """Yield which of its figures are out of bounds."""
        yield from _ATTEMPTS.problems(f"{field}.max_attempts", self.max_attempts)
        yield from _BACKOFF.problems(f"{field}.backoff_seconds", self.backoff_seconds)
        yield from _MULTIPLIER.problems(f"{field}.multiplier", self.multiplier)

    def pause_before(self, attempt: int) -> float:
        """Return the seconds to wait before *attempt* (2 is the first one repeated)."""
        return min(self.backoff_seconds * self.multiplier ** (attempt - 2), PAUSE_MAX)


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """Where a node is drawn."""

    x: float = 0
    y: float = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewport:
    """Which part of the canvas was last looked at."""

    x: float = 0
    y: float = 0
    zoom: float = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One box of the canvas; *timeout_seconds* bounds each attempt."""

    id: str
    type: str
    position: Position = Position()
    config: Mapping[str, Any] = field(default_factory=dict)
    label: str | None = None
    parent_id: str | None = None
    retry: Retry = Retry()
    timeout_seconds: float | None = None
    on_error: OnError = OnError.FAIL
    fallback: Any = None

    @property
    def kind(self) -> NodeKind:
        """Return what its type may do; only on a canvas without problems."""
        return NODE_KINDS[self.type]

    def problems(self, field: str) -> Iterator[FieldProblem]:
        """Yield what is wrong with the node by itself, found at *field*."""
        yield from text_problems(f"{field}.id", self.id, minimum=1, maximum=ID_MAX)
        yield from text_problems(f"{field}.label", self.label, maximum=LABEL_MAX)
        yield from self.retry.problems(f"{field}.retry")
        if self.timeout_seconds is not None:
            yield from _TIMEOUT.problems(f"{field}.timeout_seconds", self.timeout_seconds)
        kind = NODE_KINDS.get(self.type)
        if kind is None:
            known = ", ".join(f"'{name}'" for name in NODE_KINDS)
            yield FieldProblem(f"{field}.type", f"Input should be one of {known}", "enum")
        else:
            yield from kind.settings.problems(f"{field}.config", self.config)


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """One arrow of the canvas."""

    id: str
    source: str
    target: str
    source_handle: str | None = None
    target_handle: str | None = None

    @property
    def leaves_by(self) -> str:
        """Return the handle of its source, `output` by default."""
        return self.source_handle or OUTPUT


@dataclass(frozen=True, slots=True, kw_only=True)
class Canvas:
    """A graph as it is drawn."""

    nodes: tuple[Node, ...] = ()
    edges: tuple[Edge, ...] = ()
    viewport: Viewport = Viewport()

    def node(self, node_id: str) -> Node:
        """Return the node of that id; KeyError when there is none."""
        for node in self.nodes:
            if node.id == node_id:
                return node
        raise KeyError(node_id)

    def problems(self) -> Iterator[FieldProblem]:
        """Yield why the canvas makes no sense as data; fields are relative to it."""
        if len(self.nodes) > NODES_MAX:
            yield _too_long("nodes", NODES_MAX, len(self.nodes))
        if len(self.edges) > EDGES_MAX:
            yield _too_long("edges", EDGES_MAX, len(self.edges))
        if len(self.nodes) > NODES_MAX or len(self.edges) > EDGES_MAX:
            return  # what is too large is not looked through
        yield from _repeated("nodes", [node.id for node in self.nodes])
        yield from _repeated("edges", [edge.id for edge in self.edges])
        yield from self._node_problems()
        yield from self._edge_problems()

    def _node_problems(self) -> Iterator[FieldProblem]:
        types = {node.id: node.type for node in self.nodes}
        parents = {node.id: node.parent_id for node in self.nodes}
        for index, node in enumerate(self.nodes):
            at = f"nodes.{index}"
            yield from node.problems(at)
            if node.parent_id is not None and types.get(node.parent_id) != "loop":
                yield FieldProblem(f"{at}.parent_id", f"'{node.parent_id}' is not a loop's id")
            elif _own_ancestor(node.id, parents):
                yield FieldProblem(f"{at}.parent_id", "A loop can't lie inside itself")
            elif _depth(node.id, parents) > LOOPS_MAX:
                message = f"Loops lie at most {LOOPS_MAX} levels deep in each other"
                yield FieldProblem(f"{at}.parent_id", message)

    def _edge_problems(self) -> Iterator[FieldProblem]:
        known = {node.id for node in self.nodes}
        for index, edge in enumerate(self.edges):
            for end in ("source", "target"):
                if getattr(edge, end) not in known:
                    message = f"There is no node '{getattr(edge, end)}'"
                    yield FieldProblem(f"edges.{index}.{end}", message)


def _repeated(field: str, ids: list[str]) -> Iterator[FieldProblem]:
    seen: Counter[str] = Counter()
    for index, id in enumerate(ids):
        seen[id] += 1
        if seen[id] > 1:
            yield FieldProblem(f"{field}.{index}.id", f"The id '{id}' is used twice")


def _own_ancestor(node_id: str, parents: Mapping[str, str | None]) -> bool:
    seen, current = {node_id}, parents.get(node_id)
    while current is not None and current not in seen:
        seen.add(current)
        current = parents.get(current)
    return current == node_id


def _depth(node_id: str, parents: Mapping[str, str | None]) -> int:
    depth, current = 0, parents.get(node_id)
    while current is not None and depth <= LOOPS_MAX:
        depth, current = depth + 1, parents.get(current)
    return depth


def _too_long(field: str, maximum: int, length: int) -> FieldProblem:
    message = f"List should have at most {maximum} items after validation, not {length}"
    return FieldProblem(field, message, "too_long")
