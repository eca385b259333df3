"""The audit log in SQL."""

from dataclasses import fields
from typing import Final

from sqlalchemy import Column, Index, Table, Text, bindparam

from orbiter.adapters.sql.columns import Id, Instant
from orbiter.adapters.sql.metadata import metadata
from orbiter.adapters.sql.pages import pages_of
from orbiter.adapters.sql.repository import Mapped, SqlRepository, Statements
from orbiter.adapters.sql.transactions import Transaction
from orbiter.application.paging import Page, PageRequest
from orbiter.application.ports.repositories import AuditFilter
from orbiter.domain.audit_log import AuditEntry
from orbiter.domain.checks import is_id
from orbiter.domain.users import same_email

audit_log: Final = Table(
    "audit_log",
    metadata,
    Column("id", Id, primary_key=True),
    Column("workspace_id", Id, nullable=False),
    Column("actor_id", Text),
    Column("actor_email", Text),
    Column("api_key_id", Id),
    Column("action", Text, nullable=False),
    Column("entity_type", Text, nullable=False),
    Column("entity_id", Text),
    Column("address", Text),
    Column("created_at", Instant, nullable=False),
    Column("actor_key", Text),
    Index(None, "workspace_id", "id"),
    Index(None, "workspace_id", "actor_id", "id"),
    Index(None, "workspace_id", "actor_key", "id"),
    Index(None, "workspace_id", "action", "id"),
    Index(None, "workspace_id", "entity_id", "id"),
    Index(None, "workspace_id", "created_at"),
)

AUDIT_LOG: Final = Mapped(
    audit_log,
    AuditEntry,
    read=[column for column in audit_log.columns if column is not audit_log.c.actor_key],
    derived=lambda entry: {"actor_key": entry.actor_email and same_email(entry.actor_email)},
)

_STATEMENTS: Final = Statements(AUDIT_LOG, "Audit entry")
_SAME: Final = ("actor_id", "actor_key", "action", "entity_type", "entity_id")
_PAGES: Final = pages_of(
    AUDIT_LOG,
    *_SAME,
    created_after=audit_log.c.created_at >= bindparam("created_after"),
    created_before=audit_log.c.created_at < bindparam("created_before"),
)


class SqlAuditLog(SqlRepository[AuditEntry]):
    """The audit log of one workspace."""

    def __init__(self, transaction: Transaction, workspace_id: str) -> None:
        super().__init__(_STATEMENTS, transaction, workspace_id)

    async def page(self, request: PageRequest, only: AuditFilter) -> Page[AuditEntry]:
        """Return a page of the entries that match."""
        wanted = {each.name: getattr(only, each.name) for each in fields(only)}
        wanted["mine"] = self._workspace_id
        actor = wanted.pop("actor")
        if actor is not None:
            wanted.update({"actor_id": actor} if is_id(actor) else {"actor_key": same_email(actor)})
        return await _PAGES.page(self._transaction, wanted, request, request.id_after())
