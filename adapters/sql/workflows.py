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
    bindparam,
    func,
    select,
)
from sqlalchemy.dialects.postgresql import insert  # SQLite speaks it too

from orbiter.adapters.sql.columns import INTEGER_MAX, Id, Instant, Json, OneOf
from orbiter.adapters.sql.failures import missing
from orbiter.adapters.sql.graphs import VersionCache, issues_of, version_of
from orbiter.adapters.sql.metadata import metadata
from orbiter.adapters.sql.pages import Pages
from orbiter.adapters.sql.repository import Mapped, SqlRepository, Statements
from orbiter.adapters.sql.runs import runs
from orbiter.adapters.sql.transactions import Transaction
from orbiter.application.paging import Page, PageRequest
from orbiter.application.ports.repositories import WorkflowFilter
from orbiter.domain.checks import is_id
from orbiter.domain.errors import Conflict, NotFound
from orbiter.domain.workflows import Workflow, WorkflowStatus, WorkflowVersion
from orbiter.domain.workflows.workflow import NAME_MAX

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
    ForeignKeyConstraint(
        ["workspace_id", "project_id"],
        ["projects.workspace_id", "projects.id"],
        ondelete="CASCADE",
        info=missing("Project"),
    ),
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
_VERSIONS: Final = Mapped(versions, version_of)
_STATEMENTS: Final = Statements(_WORKFLOWS, "Workflow")
_PAGES: Final = Pages(
    _WORKFLOWS,
    workflows.c.id,
    {
        "mine": workflows.c.workspace_id == bindparam("mine"),
        "project_id": workflows.c.project_id == bindparam("project_id"),
    },
    ids=frozenset({"project_id"}),
)

_HEAD: Final = select(workflows.c.id).where(
    workflows.c.id == bindparam("the_id"), workflows.c.workspace_id == bindparam("mine")
)
_VERSION_PAGES: Final = Pages(
    _VERSIONS,
    versions.c.version,
    {"the_id": versions.c.workflow_id == bindparam("the_id"), "mine": _HEAD.exists()},
    ids=frozenset({"the_id"}),
)
_ADD_VERSION: Final = insert(versions).on_conflict_do_nothing(
    index_elements=[versions.c.workflow_id, versions.c.version]
)
_VERSION: Final = select(
    func.length(versions.c.canvas) + func.length(versions.c.variables), *_VERSIONS.columns
).where(
    versions.c.workflow_id == bindparam("the_id"),
    versions.c.version == bindparam("number"),
    _HEAD.exists(),
)


class SqlWorkflows(SqlRepository[Workflow]):
    """Workflows of one workspace; one that was just read needs no second look for a version."""

    def __init__(self, transaction: Transaction, workspace_id: str, cache: VersionCache) -> None:
        super().__init__(_STATEMENTS, transaction, workspace_id)
        self._cache = cache
        self._seen: set[str] = set()

    async def get(self, entity_id: str) -> Workflow:
        """Return the workflow or raise NotFound."""
        workflow = await super().get(entity_id)
        if self._transaction.reading:  # who writes may delete it next
            self._seen.add(entity_id)
        return workflow

    async def page(self, request: PageRequest, only: WorkflowFilter) -> Page[Workflow]:
        """Return a page of the workflows that match."""
        wanted = {"mine": self._workspace_id}
        if only.project_id is not None:
            wanted["project_id"] = only.project_id
        return await _PAGES.page(self._transaction, wanted, request, request.id_after())

    async def add_version(self, version: WorkflowVersion) -> None:
        """Store a new version of a workflow of this workspace."""
        self._transaction.require_writing()
        if not await self._is_here(version.workflow_id):
            raise NotFound("Workflow")
        if not (await self._transaction.write(_ADD_VERSION, _VERSIONS.row(version))).rowcount:
            raise Conflict("Workflow version with this number already exists")

    async def version(self, workflow_id: str, number: int) -> WorkflowVersion:
        """Return a version or raise NotFound."""
        kept = self._cache.get(workflow_id, number)
        if kept is not None and await self._is_here(workflow_id):
            return kept
        row = None
        if is_id(workflow_id) and 0 < number <= INTEGER_MAX:
            which = {**self._which(workflow_id), "number": number}
            row = await self._transaction.first(_VERSION, which)
        if row is None:
            raise NotFound("Workflow version")
        version = _VERSIONS.entity(row[1:])
        if self._transaction.reading:  # so it is committed
            self._cache.put(version, row[0])
        return version

    async def versions(self, workflow_id: str, request: PageRequest) -> Page[WorkflowVersion]:
        """Return a page of versions, by number."""
        which = self._which(workflow_id)
        return await _VERSION_PAGES.page(self._transaction, which, request, request.number_after())

    async def _is_here(self, workflow_id: str) -> bool:
        if workflow_id in self._seen:
            return True
        if not is_id(workflow_id):
            return False
        return await self._transaction.first(_HEAD, self._which(workflow_id)) is not None
