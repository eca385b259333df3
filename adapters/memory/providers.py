"""Providers in memory."""

from collections.abc import Sequence

from orbiter.adapters.memory.repository import MemoryRepository, page_of
from orbiter.adapters.memory.tables import Tables
from orbiter.application.paging import Page, PageRequest
from orbiter.domain.errors import Conflict
from orbiter.domain.providers import Provider


class MemoryProviders(MemoryRepository[Provider]):
    """Providers of one workspace."""

    def __init__(self, tables: Tables, workspace_id: str) -> None:
        super().__init__(tables.providers, workspace_id, "Provider")

    async def page(self, request: PageRequest) -> Page[Provider]:
        """Return a page of all providers."""
        return page_of(self._mine(), request)

    async def pool(self, word: str) -> Sequence[Provider]:
        """Return the enabled providers of that name or type, in the order they are called."""
        return [each for each in self._enabled() if word in (each.name, each.provider_type)]

    async def default(self) -> Provider | None:
        """Return the enabled provider with a default model that comes first, as in a pool."""
        return next((each for each in self._enabled() if each.default_model is not None), None)

    def _enabled(self) -> Sequence[Provider]:
        enabled = (each for each in self._mine() if each.enabled)
        return sorted(enabled, key=lambda each: (each.priority, each.id))

    def _check(self, entity: Provider) -> None:
        for other in self._mine():
            if other.name == entity.name and other.id != entity.id:
                raise Conflict("A provider with this name already exists")
