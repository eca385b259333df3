"""API keys in memory."""

from dataclasses import replace

from orbiter.adapters.memory.repository import MemoryRepository, page_of, require
from orbiter.adapters.memory.tables import Tables
from orbiter.application.paging import Page, PageRequest
from orbiter.domain.api_keys import ApiKey


class MemoryApiKeys(MemoryRepository[ApiKey]):
    """API keys of one workspace."""

    def __init__(self, tables: Tables, workspace_id: str) -> None:
        super().__init__(tables.api_keys, workspace_id, "API key")
        self._tables = tables

    async def page(self, request: PageRequest, user_id: str | None) -> Page[ApiKey]:
        """Return a page of the keys, of one creator if given."""
        return page_of((key for key in self._mine() if user_id in (None, key.created_by)), request)

    async def touch(self, key: ApiKey) -> None:
        """Store its last use, unless it was revoked meanwhile."""
        self._rows.for_writing()
        kept = self._own(key.id)
        if kept is not None:
            self._rows.put(key.id, replace(kept, last_used_at=key.last_used_at))

    def _check(self, entity: ApiKey) -> None:
        require(self._tables.users, entity.created_by, entity.workspace_id, "User")
