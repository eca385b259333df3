"""What every repository in SQL does: rows of one workspace."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, TypeVar

from sqlalchemy import (
    ColumnElement,
    Executable,
    Select,
    Table,
    Update,
    bindparam,
    delete,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert  # SQLite speaks it too

from orbiter.adapters.sql.transactions import Transaction
from orbiter.application.ports.repositories import OfWorkspace
from orbiter.domain.checks import is_id
from orbiter.domain.errors import Conflict, NotFound

Entity = TypeVar("Entity")
Owned = TypeVar("Owned", bound=OfWorkspace)


class Mapped(Generic[Entity]):
    """How an entity lies in a table.

    It is *made* from the *read* columns, by their names. A row is written with the entity's
    attributes but for what *derived* returns of it.
    """

    def __init__(
        self,
        table: Table,
        make: Callable[..., Entity],
        *,
        read: Sequence[ColumnElement[Any]] | None = None,
        derived: Callable[[Entity], Mapping[str, Any]] = lambda _: {},
    ) -> None:
        self.table = table
        self.columns: Sequence[Any] = tuple(table.columns if read is None else read)
        self._names = [column.name for column in self.columns]
        self._make = make
        self._derived = derived

    def entity(self, values: Sequence[Any]) -> Entity:
        """Return the entity of a row's *values*."""
        return self._make(**dict(zip(self._names, values, strict=True)))

    def row(self, entity: Entity) -> dict[str, Any]:
        """Return the columns of an entity."""
        row = dict(self._derived(entity))
        for column in self.table.columns:
            if column.name not in row:
                row[column.name] = getattr(entity, column.name)
        return row


class Statements(Generic[Owned]):
    """The statements of a kind of entity, built once; `the_id` and `mine` say which row."""

    def __init__(self, mapped: Mapped[Owned], noun: str) -> None:
        table = mapped.table
        the_row = (table.c.id == bindparam("the_id"), table.c.workspace_id == bindparam("mine"))
        self.mapped = mapped
        self.noun = noun
        self.insert = insert(table).on_conflict_do_nothing(index_elements=[table.c.id])
        self.select: Select[Any] = select(*mapped.columns).where(*the_row)
        self.select_to_write: Select[Any] = self.select.with_for_update(of=table)
        self.update = update(table).where(*the_row)
        self.delete = delete(table).where(*the_row)


class SqlRepository(Generic[Owned]):
    """Rows of one workspace over a table of every workspace's."""

    def __init__(
        self, statements: Statements[Owned], transaction: Transaction, workspace_id: str
    ) -> None:
        self._statements = statements
        self._transaction = transaction
        self._workspace_id = workspace_id

    async def add(self, entity: Owned) -> None:
        """Store a new entity of this workspace."""
        self._transaction.require_writing()
        if entity.workspace_id != self._workspace_id:
            raise ValueError(f"This {self._statements.noun} belongs to another workspace")
        row = await self._values(entity)
        if not (await self._transaction.write(self._statements.insert, row)).rowcount:
            raise Conflict(f"{self._statements.noun} with this id already exists")

    async def get(self, entity_id: str) -> Owned:
        """Return the entity or raise NotFound."""
        return self._statements.mapped.entity(await self._row(entity_id))

    async def save(self, entity: Owned) -> None:
        """Overwrite the entity of the same id or raise NotFound."""
        if not await self._overwrite(self._statements.update, entity):
            raise NotFound(self._statements.noun)

    async def remove(self, entity_id: str) -> None:
        """Delete the entity or raise NotFound; what hangs on it goes by its foreign keys."""
        if not await self._change(self._statements.delete, entity_id, {}):
            raise NotFound(self._statements.noun)

    async def _row(self, entity_id: str) -> Sequence[Any]:
        statements = self._statements
        reading = self._transaction.reading
        statement = statements.select if reading else statements.select_to_write
        row = None
        if is_id(entity_id):
            row = await self._transaction.first(statement, self._which(entity_id))
        if row is None:
            raise NotFound(statements.noun)
        return row

    async def _values(self, entity: Owned) -> dict[str, Any]:
        return self._statements.mapped.row(entity)

    async def _overwrite(self, statement: Update, entity: Owned) -> bool:
        row = await self._values(entity)
        del row["id"], row["workspace_id"]
        return await self._change(statement, entity.id, row)

    async def _change(
        self, statement: Executable, entity_id: str, values: Mapping[str, Any]
    ) -> bool:
        self._transaction.require_writing()
        if not is_id(entity_id):
            return False
        which = self._which(entity_id)
        changed = await self._transaction.write(statement, {**which, **values})
        return changed.rowcount > 0

    def _which(self, entity_id: str) -> dict[str, Any]:
        return {"the_id": entity_id, "mine": self._workspace_id}
