"""Users in memory."""

from orbiter.adapters.memory.notifications import drop_notifications
from orbiter.adapters.memory.repository import MemoryRepository, page_of
from orbiter.adapters.memory.tables import Tables
from orbiter.application.paging import Page, PageRequest
from orbiter.domain.errors import Conflict
from orbiter.domain.identity import Role
from orbiter.domain.users import User, same_email


class MemoryUsers(MemoryRepository[User]):
    """Members of one workspace."""

    def __init__(self, tables: Tables, workspace_id: str) -> None:
        super().__init__(tables.users, workspace_id, "User")
        self._tables = tables

    async def remove(self, entity_id: str) -> None:
        """Delete the user with its sessions, API keys, password resets and notifications."""
        await super().remove(entity_id)
        tables = self._tables
        for session in tables.sessions.rows():
            if session.user_id == entity_id:
                tables.sessions.drop(session.id)
        for key in tables.api_keys.rows():
            if key.created_by == entity_id:
                tables.api_keys.drop(key.id)
        for reset in tables.resets.rows():
            if reset.user_id == entity_id:
                tables.resets.drop(reset.id)
        drop_notifications(tables, user_id=entity_id)

    async def page(self, request: PageRequest) -> Page[User]:
        """Return a page of all members."""
        return page_of(self._mine(), request)

    async def active_admins(self) -> int:
        """Count the admins who can sign in."""
        return sum(user.active and user.role is Role.ADMIN for user in self._mine())

    def _check(self, entity: User) -> None:
        address = same_email(entity.email)
        for other in self._rows.rows():
            if other.id == entity.id or same_email(other.email) != address:
                continue
            if other.workspace_id == entity.workspace_id or (other.active and entity.active):
                raise Conflict("A user with this email already exists")
