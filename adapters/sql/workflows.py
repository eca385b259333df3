"""Workflows and their versions in SQL."""

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKeyConstraint,
    Index,
    String,
    Table,
    Text,
    select,
)

from orbiter.adapters.sql.columns import Id, Instant, Json, OneOf
from orbiter.adapters.sql.failures import missing
from orbiter.adapters.sql.graphs import issues_of, version_of
from orbiter.adapters.sql.metadata import metadata
from orbiter.adapters.sql.pages import pages_of
from orbiter.adapters.sql.references import belongs_to
from orbiter.adapters.sql.repository import Mapped, Statements
from orbiter.adapters.sql.runs import runs
from orbiter.adapters.sql.transactions import Transaction
from orbiter.adapters.sql.versions import SqlVersioned, VersionCache, Versions
from orbiter.application.paging import Page, PageRequest
from orbiter.application.ports.workflows import WorkflowFilter
from orbiter.domain.checks import NAME_MAX
from orbiter.domain.workflows import Workflow, WorkflowStatus, WorkflowVersion

workflows: Final = Table(
    "workflows",
    metadata,
    Column("id", Id, primary_key=True),
    Column("workspace_id", Id, nullable=False),
    Column("project_id", Id, nullable=False),
    Column("name", String(NAME_MAX), nullable=False),
    Column("description", Text),
    Column("status", OneOf(WorkflowStatus), nullable=False),
    Column("valid", Boolean, nullable=False),
    Column("issues", Json, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("created_by", Id, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    belongs_to("projects", "project_id", "Project"),
    # Unique, because triggers refer to both: so they lie in the same workspace.
    Index("ix_workflows_workspace_id_id", "workspace_id", "id", unique=True),
    Index(None, "workspace_id", "project_id", "id"),
)

versions: Final = Table(
    "workflow_versions",
    metadata,
    Column("workflow_id", Id, primary_key=True),
    Column("version", BigInteger, primary_key=True, autoincrement=False),
    Column("canvas", Json, nullable=False),
    Column("variables", Json, nullable=False),
    Column("issues", Json, nullable=False),
    Column("created_by", Id, nullable=False),
    Column("created_at", Instant, nullable=False),
    ForeignKeyConstraint(
        ["workflow_id"], ["workflows.id"], ondelete="CASCADE", info=missing("Workflow")
    ),
)

# When the newest run was queued; derived, so that starting a run does not change its workflow.
_LAST_RUN: Final = (
    select(runs.c.queued_at)
    .where(runs.c.workspace_id == workflows.c.workspace_id, runs.c.workflow_id == workflows.c.id)
    .order_by(runs.c.id.desc())
    .limit(1)
    .scalar_subquery()
    .label("last_run_at")
)


def _workflow(*, issues: Any, **rest: Any) -> Workflow:
    return Workflow(issues=issues_of(issues), **rest)


_WORKFLOWS: Final = Mapped(workflows, _workflow, read=[*workflows.columns, _LAST_RUN])
_STATEMENTS: Final = Statements(_WORKFLOWS, "Workflow")
_VERSIONS: Final = Versions(Mapped(versions, version_of), _STATEMENTS)
_PAGES: Final = pages_of(_WORKFLOWS, "project_id")


class SqlWorkflows(SqlVersioned[Workflow, WorkflowVersion]):
    """Workflows of one workspace, and their versions."""

    def __init__(
        self, transaction: Transaction, workspace_id: str, cache: VersionCache[WorkflowVersion]
    ) -> None:
        super().__init__(_STATEMENTS, _VERSIONS, transaction, workspace_id, cache)

    async def page(self, request: PageRequest, only: WorkflowFilter) -> Page[Workflow]:
        """Return a page of the workflows that match."""
        wanted = {"mine": self._workspace_id, "project_id": only.project_id}
        return await _PAGES.page(self._transaction, wanted, request, request.id_after())
