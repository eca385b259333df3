"""Versions of workflows as rows, and those read lately kept at hand."""

from collections import OrderedDict
from typing import Any, Final

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

CHARACTERS_KEPT: Final = 4_000_000


class VersionCache:
    """Versions never change, so those used last are kept, up to 4 million characters of JSON."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, int], tuple[WorkflowVersion, int]] = OrderedDict()
        self._characters = 0

    def get(self, workflow_id: str, number: int) -> WorkflowVersion | None:
        """Return the version if it is at hand."""
        kept = self._kept.get((workflow_id, number))
        if kept is None:
            return None
        self._kept.move_to_end((workflow_id, number))
        return kept[0]

    def put(self, version: WorkflowVersion, characters: int) -> None:
        """Keep a committed version."""
        key = version.workflow_id, version.version
        if key in self._kept or characters > CHARACTERS_KEPT:
            return
        self._kept[key] = version, characters
        self._characters += characters
        while self._characters > CHARACTERS_KEPT:
            _, (_, gone) = self._kept.popitem(last=False)
            self._characters -= gone


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
