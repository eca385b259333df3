"""Projects in SQL."""

from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy import Column, Index, String, Table, Text, bindparam, delete, func, select

from orbiter.adapters.sql.agents import agents
from orbiter.adapters.sql.columns import Id, Instant
from orbiter.adapters.sql.conversations import OF_PROJECT
from orbiter.adapters.sql.large_values import LargeValues
from orbiter.adapters.sql.metadata import metadata
from orbiter.adapters.sql.pages import pages_of
from orbiter.adapters.sql.repository import Mapped, SqlRepository, Statements
from orbiter.adapters.sql.runs import RUN_VALUES, RUNS, UNENDED, runs
from orbiter.adapters.sql.secrets import secrets
from orbiter.adapters.sql.tools import tools
from orbiter.adapters.sql.transactions import Transaction
from orbiter.adapters.sql.workflows import workflows
from orbiter.application.paging import Page, PageRequest
from orbiter.domain.checks import NAME_MAX, is_id
from orbiter.domain.projects import MODEL_MAX, Project
from orbiter.domain.runs import Run

projects: Final = Table(
    "projects",
    metadata,
    Column("id", Id, primary_key=True),
    Column("workspace_id", Id, nullable=False),
    Column("name", String(NAME_MAX), nullable=False),
    Column("description", Text),
    Column("default_model", String(MODEL_MAX)),
    Column("created_by", Id, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    # Unique, because what a project holds refers to both: so it lies in the same workspace.
    Index("ix_projects_workspace_id_id", "workspace_id", "id", unique=True),
)

PROJECTS: Final = Mapped(projects, Project)

_STATEMENTS: Final = Statements(PROJECTS, "Project")
_PAGES: Final = pages_of(PROJECTS)
_OF_PROJECT: Final = {
    table: (
        table.c.workspace_id == bindparam("mine"),
        table.c.project_id == bindparam("the_id"),
    )
    for table in (agents, workflows, runs, secrets, tools)
}
_CONVERSATIONS: Final = OF_PROJECT.subquery()
_COUNTS: Final = select(
    *(
        select(func.count()).select_from(table).where(*held).scalar_subquery().label(table.name)
        for table, held in _OF_PROJECT.items()
    ),
    select(func.count()).select_from(_CONVERSATIONS).scalar_subquery().label("conversations"),
)
_TAKE_UNENDED: Final = delete(runs).where(*_OF_PROJECT[runs], UNENDED).returning(*RUNS.columns)
_TAKE_RUNS: Final = delete(runs).where(*_OF_PROJECT[runs]).returning(runs.c.id)
_EMPTY: Final = [
    delete(table).where(*held) for table, held in _OF_PROJECT.items() if table is not runs
]


class SqlProjects(SqlRepository[Project]):
    """Projects of one workspace."""

    def __init__(self, transaction: Transaction, workspace_id: str, large: LargeValues) -> None:
        super().__init__(_STATEMENTS, transaction, workspace_id)
        self._large = large

    async def page(self, request: PageRequest) -> Page[Project]:
        """Return a page of all projects."""
        mine = {"mine": self._workspace_id}
        return await _PAGES.page(self._transaction, mine, request, request.id_after())

    async def dependents(self, project_id: str) -> Mapping[str, int]:
        """Count what the project holds, per kind."""
        if not is_id(project_id):
            return {}
        counts = await self._transaction.first(_COUNTS, self._which(project_id))
        return {kind: count for kind, count in counts._mapping.items() if count} if counts else {}

    async def empty(self, project_id: str) -> Sequence[Run]:
        """Delete everything the project holds, and return the runs that had not ended."""
        self._transaction.require_writing()
        if not is_id(project_id):
            return []
        taken = await self._transaction.write(_TAKE_UNENDED, self._which(project_id))
        unended = [await self._large.whole(RUNS.entity(row), RUN_VALUES) for row in taken]
        ended = await self._transaction.write(_TAKE_RUNS, self._which(project_id))
        await self._large.drop([*(run.id for run in unended), *(row.id for row in ended)])
        for statement in _EMPTY:
            await self._transaction.write(statement, self._which(project_id))
        return sorted(unended, key=lambda run: run.id)
