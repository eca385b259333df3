"""What heads and their versions are in SQL: two tables, and the versions read lately at hand."""

from collections import OrderedDict
from typing import Any, Final, Generic, TypeVar

from sqlalchemy import bindparam, func, literal, select
from sqlalchemy.dialects.postgresql import insert  # SQLite speaks it too

from orbiter.adapters.sql.columns import INTEGER_MAX, Json
from orbiter.adapters.sql.pages import Pages
from orbiter.adapters.sql.repository import Mapped, Owned, SqlRepository, Statements
from orbiter.adapters.sql.transactions import Transaction
from orbiter.application.paging import Page, PageRequest
from orbiter.domain.checks import is_id
from orbiter.domain.errors import Conflict, NotFound

CHARACTERS_KEPT: Final = 4_000_000

Version = TypeVar("Version")


class VersionCache(Generic[Version]):
    """Versions never change, so those used last are kept, up to 4 million characters of JSON."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, int], tuple[Version, int]] = OrderedDict()
        self._characters = 0

    def get(self, head_id: str, number: int) -> Version | None:
        """Return the version if it is at hand."""
        kept = self._kept.get((head_id, number))
        if kept is None:
            return None
        self._kept.move_to_end((head_id, number))
        return kept[0]

    def put(self, head_id: str, number: int, version: Version, characters: int) -> None:
        """Keep a committed version."""
        key = head_id, number
        if key in self._kept or characters > CHARACTERS_KEPT:
            return
        self._kept[key] = version, characters
        self._characters += characters
        while self._characters > CHARACTERS_KEPT:
            _, (_, gone) = self._kept.popitem(last=False)
            self._characters -= gone


class Versions(Generic[Version]):
    """The statements of a kind of version, whose key is that of its head and its number."""

    def __init__(self, mapped: Mapped[Version], heads: Statements[Any]) -> None:
        table, head = mapped.table, heads.mapped.table
        self.mapped = mapped
        self.noun = heads.noun
        self.of_head, number = table.primary_key.columns
        lengths = (func.length(each) for each in table.c if isinstance(each.type, Json))
        here = self.of_head == bindparam("the_id")
        self.head = select(head.c.id).where(
            head.c.id == bindparam("the_id"), head.c.workspace_id == bindparam("mine")
        )
        self.insert = insert(table).on_conflict_do_nothing(index_elements=[self.of_head, number])
        self.select = select(sum(lengths, literal(0)), *mapped.columns).where(
            here, number == bindparam("number"), self.head.exists()
        )
        self.pages = Pages(
            mapped,
            number,
            {"the_id": here, "mine": self.head.exists()},
            ids=frozenset({"the_id"}),
        )


class SqlVersioned(SqlRepository[Owned], Generic[Owned, Version]):
    """Heads of one workspace; one that was just read needs no second look for a version."""

    def __init__(
        self,
        statements: Statements[Owned],
        versions: Versions[Version],
        transaction: Transaction,
        workspace_id: str,
        cache: VersionCache[Version],
    ) -> None:
        super().__init__(statements, transaction, workspace_id)
        self._versions = versions
        self._cache = cache
        self._seen: set[str] = set()

    async def get(self, entity_id: str) -> Owned:
        """Return the head or raise NotFound."""
        head = await super().get(entity_id)
        if self._transaction.reading:  # who writes may delete it next
            self._seen.add(entity_id)
        return head

    async def add_version(self, version: Version) -> None:
        """Store a new version of a head of this workspace."""
        self._transaction.require_writing()
        row = self._versions.mapped.row(version)
        if not await self._is_here(row[self._versions.of_head.name]):
            raise NotFound(self._versions.noun)
        if not (await self._transaction.write(self._versions.insert, row)).rowcount:
            raise Conflict(f"{self._versions.noun} version with this number already exists")

    async def version(self, head_id: str, number: int) -> Version:
        """Return a version or raise NotFound."""
        kept = self._cache.get(head_id, number)
        if kept is not None and await self._is_here(head_id):
            return kept
        row = None
        if is_id(head_id) and 0 < number <= INTEGER_MAX:
            which = {**self._which(head_id), "number": number}
            row = await self._transaction.first(self._versions.select, which)
        if row is None:
            raise NotFound(f"{self._versions.noun} version")
        version = self._versions.mapped.entity(row[1:])
        if self._transaction.reading:  # so it is committed
            self._cache.put(head_id, number, version, row[0])
        return version

    async def versions(self, head_id: str, request: PageRequest) -> Page[Version]:
        """Return a page of versions, by number."""
        which = self._which(head_id)
        return await self._versions.pages.page(
            self._transaction, which, request, request.number_after()
        )

    async def _is_here(self, head_id: str) -> bool:
        if head_id in self._seen:
            return True
        if not is_id(head_id):
            return False
        return await self._transaction.first(self._versions.head, self._which(head_id)) is not None
