"""A finished canvas made ready for walking."""

from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from orbiter.domain.workflows import Canvas, Edge, Node

_USING_TOOLS: Final = frozenset({"agent", "tool"})
_STARTING: Final = _USING_TOOLS | {"workflow"}
_SECRETS: Final = "secrets"


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """The nodes that are walked together: the whole graph's top, or what lies in one loop.

    *nodes* stand in an order in which every edge leads forwards; *ranks* are their places in it.
    *arrivals* counts the edges into a node. *instant* names the nodes that need no waiting, *eager*
    those that run at their first live input, *ends* those that give the run its output.
    """

    nodes: tuple[Node, ...]
    ranks: Mapping[str, int]
    onward: Mapping[str, Sequence[Edge]]
    arrivals: Mapping[str, int]
    instant: frozenset[str]
    eager: frozenset[str]
    ends: frozenset[str]

    @property
    def waits(self) -> bool:
        """Say whether any of the nodes needs waiting."""
        return len(self.instant) < len(self.nodes)

    @property
    def entries(self) -> Iterable[Node]:
        """Return the nodes that no edge leads to."""
        return (node for node in self.nodes if node.id not in self.arrivals)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Every body of a graph, by the loop it lies in; the top lies in None.

    *has_children* says whether a node may start a child run, *has_secrets* whether one may use
    secrets.
    """

    bodies: Mapping[str | None, Body]
    has_children: bool = False
    has_secrets: bool = False

    @property
    def top(self) -> Body:
        """Return the body that is in no loop."""
        return self.bodies[None]

    @property
    def instant(self) -> bool:
        """Say whether the whole graph is computed, without any effect."""
        return not self.top.waits


def plan_of(canvas: Canvas) -> Plan:
    """Return the plan of a canvas that has no issues."""
    members: dict[str | None, list[Node]] = defaultdict(list)
    for node in canvas.nodes:
        if node.kind.runs:
            members[node.parent_id].append(node)
    instant = _instant(members)
    bodies = {loop: _body(nodes, canvas.edges, instant) for loop, nodes in members.items()}
    kinds = {node.type for node in canvas.nodes}
    return Plan(
        bodies=bodies,
        has_children=not kinds.isdisjoint(_STARTING),
        has_secrets=not kinds.isdisjoint(_USING_TOOLS) or _names_secrets(canvas),
    )


def _names_secrets(canvas: Canvas) -> bool:
    return any(_SECRETS in str((node.config, node.fallback)) for node in canvas.nodes)


def _instant(members: Mapping[str | None, Sequence[Node]]) -> frozenset[str]:
    every = [node for nodes in members.values() for node in nodes]
    waiting = {node.id for node in every if not node.kind.pure or node.retry.max_attempts > 1}
    parents = {node.id: node.parent_id for node in every}
    for node_id in tuple(waiting):
        loop = parents[node_id]
        while loop is not None:
            waiting.add(loop)
            loop = parents[loop]
    return frozenset(parents.keys() - waiting)


def _body(nodes: Sequence[Node], edges: Iterable[Edge], instant: frozenset[str]) -> Body:
    known = {node.id: node for node in nodes}
    onward: dict[str, list[Edge]] = defaultdict(list)
    for edge in edges:
        if edge.source in known and edge.target in known:
            onward[edge.source].append(edge)
    arrivals = Counter(edge.target for leaving in onward.values() for edge in leaving)
    ordered = [known[node_id] for node_id in _in_order(known, onward, arrivals)]
    return Body(
        nodes=tuple(ordered),
        ranks={node.id: rank for rank, node in enumerate(ordered)},
        onward=dict(onward),
        arrivals=dict(arrivals),
        instant=instant & known.keys(),
        eager=frozenset(node.id for node in nodes if node.config.get("join") == "any"),
        ends=frozenset(node.id for node in nodes if node.type == "end"),
    )


def _in_order(
    ids: Iterable[str], onward: Mapping[str, Sequence[Edge]], arrivals: Mapping[str, int]
) -> Iterable[str]:
    missing = dict(arrivals)
    ready = deque(node_id for node_id in ids if node_id not in arrivals)
    while ready:
        node_id = ready.popleft()
        yield node_id
        for edge in onward.get(node_id, ()):
            missing[edge.target] -= 1
            if not missing[edge.target]:
                ready.append(edge.target)
