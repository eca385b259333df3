"""Secrets in SQL."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Column, Index, String, Table, bindparam, func, or_, select

from orbiter.adapters.sql.columns import Id, Instant, Sealed
from orbiter.adapters.sql.failures import conflict
from orbiter.adapters.sql.metadata import metadata
from orbiter.adapters.sql.pages import pages_of
from orbiter.adapters.sql.references import belongs_to
from orbiter.adapters.sql.repository import Mapped, SqlRepository, Statements
from orbiter.adapters.sql.transactions import Transaction
from orbiter.adapters.sql.workspaces import LOCK
from orbiter.application.paging import Page, PageRequest
from orbiter.application.ports.secrets import SecretFilter
from orbiter.domain.checks import is_id
from orbiter.domain.secrets import NAME_MAX, Secret

_NAME_TAKEN: Final = "A secret with this name already exists"

secrets: Final = Table(
    "secrets",
    metadata,
    Column("id", Id, primary_key=True),
    Column("workspace_id", Id, nullable=False),
    Column("project_id", Id),
    Column("name", String(NAME_MAX), nullable=False),
    Column("sealed_value", Sealed, nullable=False),
    Column("created_by", Id, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    belongs_to("projects", "project_id", "Project"),
    Index(None, "workspace_id", "id"),
    Index(
        "uq_secrets_workspace_id_project_id_name",
        "workspace_id",
        "project_id",
        "name",
        unique=True,
        info=conflict(_NAME_TAKEN),
    ),
)
# To a database no null is like another.
_OF_NO_PROJECT: Final = secrets.c.project_id.is_(None)
Index(
    "uq_secrets_workspace_id_name",
    secrets.c.workspace_id,
    secrets.c.name,
    unique=True,
    sqlite_where=_OF_NO_PROJECT,
    postgresql_where=_OF_NO_PROJECT,
    info=conflict(_NAME_TAKEN),
)

SECRETS: Final = Mapped(secrets, Secret)

_STATEMENTS: Final = Statements(SECRETS, "Secret")
_MINE: Final = secrets.c.workspace_id == bindparam("mine")
_PAGES: Final = pages_of(SECRETS, "project_id")
_COUNT: Final = select(func.count()).select_from(secrets).where(_MINE)
_SEEN: Final = (
    select(*SECRETS.columns)
    .where(_MINE, or_(_OF_NO_PROJECT, secrets.c.project_id == bindparam("project_id")))
    .order_by(_OF_NO_PROJECT.desc(), secrets.c.id)
)


class SqlSecrets(SqlRepository[Secret]):
    """Secrets of one workspace."""

    def __init__(self, transaction: Transaction, workspace_id: str) -> None:
        super().__init__(_STATEMENTS, transaction, workspace_id)

    async def page(self, request: PageRequest, only: SecretFilter) -> Page[Secret]:
        """Return a page of the secrets that match."""
        wanted = {"mine": self._workspace_id, "project_id": only.project_id}
        return await _PAGES.page(self._transaction, wanted, request, request.id_after())

    async def count(self) -> int:
        """Count the secrets; who writes and asks next waits for the end."""
        mine = {"mine": self._workspace_id}
        if not self._transaction.reading:
            await self._transaction.rows(LOCK, mine)
        found = await self._transaction.first(_COUNT, mine)
        return found[0] if found else 0

    async def seen_by(self, project_id: str | None) -> Sequence[Secret]:
        """Return the secrets of the workspace and of a project, these last."""
        known = project_id if project_id is not None and is_id(project_id) else None
        parameters = {"mine": self._workspace_id, "project_id": known}
        return [SECRETS.entity(row) for row in await self._transaction.rows(_SEEN, parameters)]
