"""Graphs as they lie in rows."""

from typing import Any

from orbiter.domain.workflows import (
    Canvas,
    Edge,
    Issue,
    Node,
    OnError,
    Position,
    Retry,
    Viewport,
    WorkflowVersion,
)


def version_of(*, canvas: Any, issues: Any, **rest: Any) -> WorkflowVersion:
    """Return the version of a row."""
    return WorkflowVersion(canvas=_canvas(canvas), issues=issues_of(issues), **rest)


def issues_of(rows: list[dict[str, Any]]) -> tuple[Issue, ...]:
    """Return the issues of a JSON array."""
    return tuple(Issue(**row) for row in rows)


def _canvas(row: dict[str, Any]) -> Canvas:
    return Canvas(
        nodes=tuple(_node(**node) for node in row["nodes"]),
        edges=tuple(Edge(**edge) for edge in row["edges"]),
        viewport=Viewport(**row["viewport"]),
    )


def _node(*, position: Any, retry: Any, on_error: str, **rest: Any) -> Node:
    return Node(
        position=Position(**position), retry=Retry(**retry), on_error=OnError(on_error), **rest
    )
