"""Sessions in SQL."""

from typing import Final

from sqlalchemy import Column, Index, Table, Text, bindparam, delete

from orbiter.adapters.sql.columns import Hash, Id, Instant
from orbiter.adapters.sql.metadata import metadata
from orbiter.adapters.sql.pages import pages_of
from orbiter.adapters.sql.references import belongs_to
from orbiter.adapters.sql.repository import Mapped, SqlRepository, Statements
from orbiter.adapters.sql.transactions import Transaction
from orbiter.application.paging import Page, PageRequest
from orbiter.domain.checks import is_id
from orbiter.domain.sessions import Session

sessions: Final = Table(
    "sessions",
    metadata,
    Column("id", Id, primary_key=True),
    Column("workspace_id", Id, nullable=False),
    Column("user_id", Id, nullable=False),
    Column("token_hash", Hash, nullable=False, unique=True),
    Column("address", Text),
    Column("user_agent", Text),
    Column("created_at", Instant, nullable=False),
    Column("last_used_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    belongs_to("users", "user_id", "User"),
    Index(None, "workspace_id", "user_id", "id"),
)

SESSIONS: Final = Mapped(sessions, Session)

_STATEMENTS: Final = Statements(SESSIONS, "Session")
_PAGES: Final = pages_of(SESSIONS, "user_id")
_REMOVE_ALL: Final = delete(sessions).where(
    sessions.c.workspace_id == bindparam("mine"), sessions.c.user_id == bindparam("user_id")
)
_REMOVE_OTHERS: Final = _REMOVE_ALL.where(sessions.c.id != bindparam("but"))


class SqlSessions(SqlRepository[Session]):
    """Sign-ins of one workspace's users."""

    def __init__(self, transaction: Transaction, workspace_id: str) -> None:
        super().__init__(_STATEMENTS, transaction, workspace_id)

    async def page(self, request: PageRequest, user_id: str) -> Page[Session]:
        """Return a page of a user's sessions."""
        wanted = {"mine": self._workspace_id, "user_id": user_id}
        return await _PAGES.page(self._transaction, wanted, request, request.id_after())

    async def touch(self, session: Session) -> None:
        """Store its last use and its end, unless it was ended meanwhile."""
        used = {"last_used_at": session.last_used_at, "expires_at": session.expires_at}
        await self._change(_STATEMENTS.update, session.id, used)

    async def remove_all(self, user_id: str, *, but: str | None = None) -> None:
        """End every session of a user, *but* perhaps one."""
        self._transaction.require_writing()
        if not is_id(user_id):
            return
        wanted = {"mine": self._workspace_id, "user_id": user_id}
        if but is None:
            await self._transaction.write(_REMOVE_ALL, wanted)
        else:
            await self._transaction.write(_REMOVE_OTHERS, {**wanted, "but": but})
