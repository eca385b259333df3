"""Hooks in SQL."""

from typing import Final

from sqlalchemy import Column, Index, String, Table, bindparam, select

from orbiter.adapters.sql.columns import Hash, Id, Instant, Sealed
from orbiter.adapters.sql.metadata import metadata
from orbiter.adapters.sql.pages import pages_of
from orbiter.adapters.sql.references import belongs_to
from orbiter.adapters.sql.repository import Mapped, SqlRepository, Statements
from orbiter.adapters.sql.transactions import Transaction
from orbiter.application.paging import Page, PageRequest
from orbiter.application.ports.triggers import TriggerFilter
from orbiter.domain.hooks import NAME_MAX, Hook

hooks: Final = Table(
    "hooks",
    metadata,
    Column("id", Id, primary_key=True),
    Column("workspace_id", Id, nullable=False),
    Column("workflow_id", Id, nullable=False),
    Column("name", String(NAME_MAX), nullable=False),
    Column("token_hash", Hash, nullable=False, unique=True),
    Column("sealed_secret", Sealed),
    Column("created_by", Id, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("last_called_at", Instant),
    belongs_to("workflows", "workflow_id", "Workflow"),
    Index(None, "workspace_id", "id"),
    Index(None, "workspace_id", "workflow_id", "id"),
)

HOOKS: Final = Mapped(hooks, Hook)
BY_TOKEN: Final = select(*HOOKS.columns).where(hooks.c.token_hash == bindparam("token"))

_STATEMENTS: Final = Statements(HOOKS, "Hook")
_PAGES: Final = pages_of(HOOKS, "workflow_id")


class SqlHooks(SqlRepository[Hook]):
    """Hooks of one workspace."""

    def __init__(self, transaction: Transaction, workspace_id: str) -> None:
        super().__init__(_STATEMENTS, transaction, workspace_id)

    async def page(self, request: PageRequest, only: TriggerFilter) -> Page[Hook]:
        """Return a page of the hooks that match."""
        wanted = {"mine": self._workspace_id, "workflow_id": only.workflow_id}
        return await _PAGES.page(self._transaction, wanted, request, request.id_after())

    async def touch(self, hook: Hook) -> bool:
        """Store its last call, unless it was removed meanwhile."""
        changes = {"last_called_at": hook.last_called_at}
        return await self._change(_STATEMENTS.update, hook.id, changes)
