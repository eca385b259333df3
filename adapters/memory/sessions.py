"""Sessions in memory."""

from dataclasses import replace

from orbiter.adapters.memory.repository import MemoryRepository, page_of, require
from orbiter.adapters.memory.tables import Tables
from orbiter.application.paging import Page, PageRequest
from orbiter.domain.sessions import Session


class MemorySessions(MemoryRepository[Session]):
    """Sign-ins of one workspace's users."""

    def __init__(self, tables: Tables, workspace_id: str) -> None:
        super().__init__(tables.sessions, workspace_id, "Session")
        self._tables = tables

    async def page(self, request: PageRequest, user_id: str) -> Page[Session]:
        """Return a page of a user's sessions."""
        return page_of((row for row in self._mine() if row.user_id == user_id), request)

    async def touch(self, session: Session) -> None:
        """Store its last use and its end, unless it was ended meanwhile."""
        self._rows.for_writing()
        kept = self._own(session.id)
        if kept is not None:
            used = replace(kept, last_used_at=session.last_used_at, expires_at=session.expires_at)
            self._rows.put(session.id, used)

    async def remove_all(self, user_id: str, *, but: str | None = None) -> None:
        """End every session of a user, *but* perhaps one."""
        self._rows.for_writing()
        for session in self._mine():
            if session.user_id == user_id and session.id != but:
                self._rows.drop(session.id)

    def _check(self, entity: Session) -> None:
        require(self._tables.users, entity.user_id, entity.workspace_id, "User")
