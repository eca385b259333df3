"""What heads and their versions in memory have in common: versions lie under their head's id."""

from collections.abc import Callable, Mapping
from typing import Generic, Protocol, TypeVar

from orbiter.adapters.memory.repository import MemoryRepository, Owned, page_by
from orbiter.adapters.memory.tables import Table
from orbiter.application.paging import Page, PageRequest
from orbiter.domain.errors import Conflict, NotFound


class Numbered(Protocol):
    """What is told from others of its kind by a number."""

    @property
    def version(self) -> int: ...


Version = TypeVar("Version", bound=Numbered)


class MemoryVersioned(MemoryRepository[Owned], Generic[Owned, Version]):
    """Heads of one workspace, and their versions."""

    def __init__(
        self,
        rows: Table[Owned],
        versions: Table[Mapping[int, Version]],
        workspace_id: str,
        noun: str,
        *,
        head_of: Callable[[Version], str],
    ) -> None:
        super().__init__(rows, workspace_id, noun)
        self._versions = versions
        self._head_of = head_of

    async def remove(self, entity_id: str) -> None:
        """Delete the head and its versions."""
        await super().remove(entity_id)
        self._versions.drop(entity_id)

    async def add_version(self, version: Version) -> None:
        """Store a new version of a head of this workspace."""
        self._rows.for_writing()
        head_id = self._head_of(version)
        await MemoryRepository.get(self, head_id)
        others = self._versions.get(head_id) or {}
        if version.version in others:
            raise Conflict(f"{self._noun} version with this number already exists")
        self._versions.put(head_id, {**others, version.version: version})

    async def version(self, head_id: str, number: int) -> Version:
        """Return a version or raise NotFound."""
        found = self._versions_of(head_id).get(number)
        if found is None:
            raise NotFound(f"{self._noun} version")
        return found

    async def versions(self, head_id: str, request: PageRequest) -> Page[Version]:
        """Return a page of versions, by number."""
        rows = self._versions_of(head_id).values()
        return page_by(rows, lambda row: row.version, request, request.number_after())

    def _versions_of(self, head_id: str) -> Mapping[int, Version]:
        return {} if self._own(head_id) is None else self._versions.get(head_id) or {}
