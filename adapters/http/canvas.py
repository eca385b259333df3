"""The canvas on the wire: as it is sent; it is shown as the domain keeps it."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, field

from orbiter.adapters.http.wire import Input
from orbiter.domain.errors import FieldProblem
from orbiter.domain.workflows import Canvas, Node, OnError

NodeId = Annotated[str, Meta(min_length=1, max_length=100, examples=["greet"])]
Seconds = Annotated[float, Meta(ge=0, le=86_400)]
TIMEOUT_MIN: Final = 0.001


class PositionIn(Input):
    """Where a node is drawn."""

    x: float = 0
    y: float = 0


class ViewportIn(Input):
    """Which part of the canvas is looked at."""

    x: float = 0
    y: float = 0
    zoom: float = 1


class RetryIn(Input):
    """How often a node is tried, and the pauses between."""

    max_attempts: Annotated[int, Meta(ge=1, le=10)] = 1
    backoff_seconds: Annotated[float, Meta(ge=0, le=3600)] = 1
    multiplier: Annotated[float, Meta(ge=1, le=10)] = 2


class NodeIn(Input):
    """A box of the canvas; what `config` may hold depends on the type."""

    id: NodeId
    type: Annotated[str, Meta(max_length=50, examples=["template"])]
    position: PositionIn = field(default_factory=PositionIn)
    config: dict[str, Any] = field(default_factory=dict)
    label: Annotated[str, Meta(max_length=255)] | None = None
    parent_id: NodeId | None = None
    retry: RetryIn = field(default_factory=RetryIn)
    timeout_seconds: Annotated[float, Meta(ge=TIMEOUT_MIN, le=86_400)] | None = None
    on_error: OnError = OnError.FAIL
    fallback: Any = None


class EdgeIn(Input):
    """An arrow of the canvas."""

    id: Annotated[str, Meta(min_length=1, max_length=255, examples=["start-greet"])]
    source: NodeId
    target: NodeId
    source_handle: Annotated[str, Meta(max_length=100)] | None = None
    target_handle: Annotated[str, Meta(max_length=100)] | None = None


class CanvasIn(Input):
    """A graph as it is drawn."""

    nodes: list[NodeIn] = field(default_factory=list)
    edges: list[EdgeIn] = field(default_factory=list)
    viewport: ViewportIn = field(default_factory=ViewportIn)


def drawn(canvas: CanvasIn) -> Canvas:
    """Return the canvas as the domain knows it."""
    return msgspec.convert(canvas, Canvas, from_attributes=True)


def canvas_problems(canvas: Mapping[str, Any]) -> Iterator[FieldProblem]:
    """Yield why a canvas makes no sense as data.

    Where something in it has the wrong type, only what is wrong with each other node by itself.
    """
    try:
        problems = drawn(msgspec.convert(canvas, CanvasIn)).problems()
    except msgspec.ValidationError:
        problems = _node_problems(canvas.get("nodes"))
    for problem in problems:
        yield problem.under("canvas")


def _node_problems(nodes: Any) -> Iterator[FieldProblem]:
    for index, each in enumerate(nodes if isinstance(nodes, list) else ()):
        try:
            node = msgspec.convert(msgspec.convert(each, NodeIn), Node, from_attributes=True)
        except msgspec.ValidationError:
            continue
        yield from node.problems(f"nodes.{index}")
