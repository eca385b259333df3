"""Keyset pages in one statement: the rows wanted, and the count of all that match."""

from collections.abc import Mapping
from typing import Any, Final, Generic, TypeVar

from sqlalchemy import Column, ColumnElement, Select, bindparam, func, select, true

from orbiter.adapters.sql.columns import Id, storable
from orbiter.adapters.sql.repository import Mapped
from orbiter.adapters.sql.transactions import Transaction
from orbiter.application.paging import Page, PageRequest
from orbiter.domain.checks import is_id

Entity = TypeVar("Entity")

_FIRST: Final = 2  # where the entity's values begin in a row, behind the total and the key


class Pages(Generic[Entity]):
    """Pages of a table, along one of its columns.

    Of the *conditions*, each under the name of its parameter, those count whose parameter is
    given and not None. The *ids* among the parameters are looked for only if they can be ids.
    """

    def __init__(
        self,
        mapped: Mapped[Entity],
        key: Column[Any],
        conditions: Mapping[str, ColumnElement[bool]],
        *,
        ids: frozenset[str] = frozenset(),
    ) -> None:
        self._mapped = mapped
        self._key = key
        self._conditions = conditions
        self._ids = ids
        self._statements: dict[tuple[frozenset[str], bool, bool], Select[Any]] = {}

    async def page(
        self,
        transaction: Transaction,
        parameters: Mapping[str, Any],
        request: PageRequest,
        after: str | int | None,
    ) -> Page[Entity]:
        """Return what is wanted of the rows beyond the key *after*."""
        given = {name: value for name, value in parameters.items() if value is not None}
        if not all(self._can_be(name, value) for name, value in given.items()):
            return Page(items=[], next_after=None, total=0)
        statement = self._statement(frozenset(given), request.newest_first, after is not None)
        found = await transaction.rows(
            statement, {**given, "after": after, "size": request.limit + 1}
        )
        rows = [row for row in found if row.key is not None]
        wanted = rows[: request.limit]
        return Page(
            items=[self._mapped.entity(row[_FIRST:]) for row in wanted],
            next_after=str(wanted[-1].key) if len(rows) > len(wanted) else None,
            total=found[0].total,
        )

    def _can_be(self, name: str, value: Any) -> bool:
        return is_id(value) if name in self._ids else not isinstance(value, str) or storable(value)

    def _statement(self, names: frozenset[str], newest_first: bool, beyond: bool) -> Select[Any]:
        shape = (names, newest_first, beyond)
        if shape not in self._statements:
            self._statements[shape] = self._build(names, newest_first, beyond)
        return self._statements[shape]

    def _build(self, names: frozenset[str], newest_first: bool, beyond: bool) -> Select[Any]:
        matching = [self._conditions[name] for name in sorted(names)]
        order = self._key.desc() if newest_first else self._key.asc()
        after = bindparam("after", type_=self._key.type)
        rest = self._key < after if newest_first else self._key > after
        part = (
            select(self._key.label("key"), *self._mapped.columns)
            .where(*matching, *([rest] if beyond else []))
            .order_by(order)
            .limit(bindparam("size"))
            .subquery("part")
        )
        whole = select(func.count().label("total")).where(*matching)
        whole_count = whole.select_from(self._mapped.table).subquery("whole")
        # An outer join, so that the total comes even when the part is empty.
        return (
            select(whole_count.c.total, *part.c)
            .select_from(whole_count.outerjoin(part, true()))
            .order_by(part.c.key.desc() if newest_first else part.c.key.asc())
        )


def pages_of(
    mapped: Mapped[Entity], *compared: str, **conditions: ColumnElement[bool]
) -> Pages[Entity]:
    """Return pages of one workspace's rows, `mine`, along their ids.

    The columns *compared* are asked for by their names, other *conditions* by theirs.
    """
    columns = mapped.table.c
    same = {name: columns[name] == bindparam(name) for name in compared}
    mine = columns.workspace_id == bindparam("mine")
    ids = frozenset(name for name in compared if columns[name].type is Id)
    return Pages(mapped, columns.id, {"mine": mine, **same, **conditions}, ids=ids)
