"""Secrets in memory."""

from collections.abc import Sequence

from orbiter.adapters.memory.repository import MemoryRepository, page_of, require
from orbiter.adapters.memory.tables import Tables
from orbiter.application.paging import Page, PageRequest
from orbiter.application.ports.secrets import SecretFilter
from orbiter.domain.errors import Conflict
from orbiter.domain.secrets import Secret


class MemorySecrets(MemoryRepository[Secret]):
    """Secrets of one workspace."""

    def __init__(self, tables: Tables, workspace_id: str) -> None:
        super().__init__(tables.secrets, workspace_id, "Secret")
        self._tables = tables

    async def page(self, request: PageRequest, only: SecretFilter) -> Page[Secret]:
        """Return a page of the secrets that match."""
        matching = (row for row in self._mine() if only.project_id in (None, row.project_id))
        return page_of(matching, request)

    async def count(self) -> int:
        """Count the secrets; there is one writer at a time."""
        return sum(1 for _ in self._mine())

    async def seen_by(self, project_id: str | None) -> Sequence[Secret]:
        """Return the secrets of the workspace and of a project, these last."""
        seen = (row for row in self._mine() if row.project_id in (None, project_id))
        return sorted(seen, key=lambda row: row.project_id is not None)

    def _check(self, entity: Secret) -> None:
        if entity.project_id is not None:
            require(self._tables.projects, entity.project_id, entity.workspace_id, "Project")
        for other in self._mine():
            same = (other.project_id, other.name) == (entity.project_id, entity.name)
            if same and other.id != entity.id:
                raise Conflict("A secret with this name already exists")
