"""A workflow: its head, which changes, and its versions, which never do."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, TypedDict, Unpack

from orbiter.domain.checks import naming_problems, require
from orbiter.domain.versions import copied
from orbiter.domain.workflows.canvas import Canvas
from orbiter.domain.workflows.rules import Issue


class WorkflowStatus(StrEnum):
    """Whether its owner calls it ready."""

    DRAFT = "draft"
    PUBLISHED = "published"


class WorkflowChanges(TypedDict, total=False):
    """Fields of the head a caller may revise; an absent key means leave it alone."""

    name: str
    description: str | None
    status: WorkflowStatus
    project_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowVersion:
    """One state of the graph, numbered from 1, immutable; *variables* are what `vars` start as."""

    workflow_id: str
    version: int
    canvas: Canvas = Canvas()
    variables: Mapping[str, Any] = field(default_factory=dict)
    issues: tuple[Issue, ...] = ()
    created_by: str
    created_at: datetime

    @property
    def valid(self) -> bool:
        """Say whether it can run."""
        return not self.issues

    @property
    def inputs_schema(self) -> Mapping[str, Any] | None:
        """Return the JSON Schema of the run's inputs, if the start has one."""
        starts = (node for node in self.canvas.nodes if node.type == "start")
        start = next(starts, None)
        return None if start is None else start.config.get("inputs")


@dataclass(frozen=True, slots=True, kw_only=True)
class Workflow:
    """The head: *version* is its latest graph, *revision* counts every change (the ETag)."""

    id: str
    workspace_id: str
    project_id: str
    name: str
    description: str | None = None
    status: WorkflowStatus = WorkflowStatus.DRAFT
    valid: bool = False
    issues: tuple[Issue, ...] = ()
    version: int = 1
    revision: int = 1
    last_run_at: datetime | None = None
    created_by: str
    created_at: datetime
    updated_at: datetime

    def __post_init__(self) -> None:
        require(naming_problems(self.name, self.description))

    def revise(self, *, at: datetime, **changes: Unpack[WorkflowChanges]) -> "Workflow":
        """Return the workflow with *changes* applied."""
        return replace(self, revision=self.revision + 1, updated_at=at, **changes)

    def show(self, graph: WorkflowVersion) -> "Workflow":
        """Return the workflow with *graph* as its latest version."""
        return replace(self, version=graph.version, valid=graph.valid, issues=graph.issues)

    def copy(self, *, id: str, by: str, at: datetime) -> "Workflow":
        """Return a draft of the same content named `<name> (copy)`, at version 1."""
        return replace(
            self,
            id=id,
            name=copied(self.name),
            status=WorkflowStatus.DRAFT,
            version=1,
            revision=1,
            last_run_at=None,
            created_by=by,
            created_at=at,
            updated_at=at,
        )
