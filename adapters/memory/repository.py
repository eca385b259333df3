"""What every repository in memory does: rows of one workspace, and pages of them."""

from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar

from orbiter.adapters.memory.tables import Table
from orbiter.application.paging import Page, PageRequest
from orbiter.application.ports.repositories import OfWorkspace
from orbiter.domain.errors import Conflict, NotFound

Owned = TypeVar("Owned", bound=OfWorkspace)
Item = TypeVar("Item")


class MemoryRepository(Generic[Owned]):
    """Rows of one workspace over a table of every workspace's."""

    def __init__(self, rows: Table[Owned], workspace_id: str, noun: str) -> None:
        self._rows = rows
        self._workspace_id = workspace_id
        self._noun = noun

    async def add(self, entity: Owned) -> None:
        """Store a new entity of this workspace."""
        self._rows.for_writing()
        if entity.workspace_id != self._workspace_id:
            raise ValueError(f"This {self._noun} belongs to another workspace")
        if self._rows.get(entity.id) is not None:
            raise Conflict(f"{self._noun} with this id already exists")
        self._check(entity)
        self._rows.put(entity.id, entity)

    async def get(self, entity_id: str) -> Owned:
        """Return the entity or raise NotFound."""
        return require(self._rows, entity_id, self._workspace_id, self._noun)

    async def save(self, entity: Owned) -> None:
        """Overwrite the entity of the same id or raise NotFound."""
        self._rows.for_writing()
        await MemoryRepository.get(self, entity.id)
        self._check(entity)
        self._rows.put(entity.id, entity)

    async def remove(self, entity_id: str) -> None:
        """Delete the entity or raise NotFound."""
        self._rows.for_writing()
        await MemoryRepository.get(self, entity_id)
        self._rows.drop(entity_id)

    def _check(self, entity: Owned) -> None:
        """Raise Conflict or NotFound when the other rows don't let *entity* be stored."""

    def _mine(self) -> Iterable[Owned]:
        return (row for row in self._rows.rows() if row.workspace_id == self._workspace_id)

    def _own(self, entity_id: str) -> Owned | None:
        return own(self._rows, entity_id, self._workspace_id)


def own(rows: Table[Owned], entity_id: str | None, workspace_id: str) -> Owned | None:
    """Return the row of that id if a workspace has it."""
    found = rows.get(entity_id or "")
    return found if found is not None and found.workspace_id == workspace_id else None


def require(rows: Table[Owned], entity_id: str | None, workspace_id: str, noun: str) -> Owned:
    """Return the row of that id or raise NotFound unless a workspace has it."""
    found = own(rows, entity_id, workspace_id)
    if found is None:
        raise NotFound(noun)
    return found


def page_of(rows: Iterable[Owned], request: PageRequest) -> Page[Owned]:
    """Return the part of *rows* that is wanted, by id."""
    return page_by(rows, lambda row: row.id, request, request.id_after())


def page_by(
    rows: Iterable[Item], key: Callable[[Item], Any], request: PageRequest, after: Any
) -> Page[Item]:
    """Return the part of *rows* beyond the key *after*."""
    ordered = sorted(rows, key=key, reverse=request.newest_first)
    beyond = [
        row
        for row in ordered
        if after is None or (key(row) < after if request.newest_first else key(row) > after)
    ]
    items = beyond[: request.limit]
    more = len(beyond) > request.limit
    return Page(items=items, next_after=str(key(items[-1])) if more else None, total=len(ordered))
