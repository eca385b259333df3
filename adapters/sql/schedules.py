"""Schedules in SQL."""

from datetime import datetime
from typing import Final

from sqlalchemy import Boolean, Column, Index, String, Table, bindparam, select

from orbiter.adapters.sql.columns import Id, Instant, Json
from orbiter.adapters.sql.metadata import metadata
from orbiter.adapters.sql.pages import pages_of
from orbiter.adapters.sql.references import belongs_to
from orbiter.adapters.sql.repository import Mapped, SqlRepository, Statements
from orbiter.adapters.sql.transactions import Transaction
from orbiter.application.paging import Page, PageRequest
from orbiter.application.ports.triggers import TriggerFilter
from orbiter.domain.schedules import CRON_MAX, NAME_MAX, TIMEZONE_MAX, Schedule

schedules: Final = Table(
    "schedules",
    metadata,
    Column("id", Id, primary_key=True),
    Column("workspace_id", Id, nullable=False),
    Column("workflow_id", Id, nullable=False),
    Column("name", String(NAME_MAX)),
    Column("cron", String(CRON_MAX), nullable=False),
    Column("timezone", String(TIMEZONE_MAX), nullable=False),
    Column("inputs", Json, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("next_run_at", Instant),
    Column("last_run_at", Instant),
    Column("last_error", Json, nullable=False),  # it may quote what text does not hold
    Column("created_by", Id, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    belongs_to("workflows", "workflow_id", "Workflow"),
    Index(None, "workspace_id", "id"),
    Index(None, "workspace_id", "workflow_id", "id"),
    Index(None, "next_run_at"),
)

SCHEDULES: Final = Mapped(schedules, Schedule)
DUE: Final = (
    select(*SCHEDULES.columns)
    .where(schedules.c.next_run_at <= bindparam("at", type_=Instant))
    .order_by(schedules.c.next_run_at, schedules.c.id)
    .limit(bindparam("size"))
)

_STATEMENTS: Final = Statements(SCHEDULES, "Schedule")
_CLAIM: Final = _STATEMENTS.update.where(schedules.c.next_run_at == bindparam("due", type_=Instant))
_PAGES: Final = pages_of(SCHEDULES, "workflow_id")


class SqlSchedules(SqlRepository[Schedule]):
    """Schedules of one workspace."""

    def __init__(self, transaction: Transaction, workspace_id: str) -> None:
        super().__init__(_STATEMENTS, transaction, workspace_id)

    async def page(self, request: PageRequest, only: TriggerFilter) -> Page[Schedule]:
        """Return a page of the schedules that match."""
        wanted = {"mine": self._workspace_id, "workflow_id": only.workflow_id}
        return await _PAGES.page(self._transaction, wanted, request, request.id_after())

    async def claim(self, ticked: Schedule, *, due: datetime) -> bool:
        """Store when a tick came and the next one will, if *due* is still next."""
        changes = {
            "due": due,
            "next_run_at": ticked.next_run_at,
            "last_run_at": ticked.last_run_at,
            "last_error": ticked.last_error,
        }
        return await self._change(_CLAIM, ticked.id, changes)
