"""A workspace's own prices in SQL."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Column, String, Table, bindparam, delete, func, select
from sqlalchemy.dialects.postgresql import insert  # SQLite speaks it too

from orbiter.adapters.sql.columns import Id, Money, storable
from orbiter.adapters.sql.metadata import metadata
from orbiter.adapters.sql.transactions import Transaction
from orbiter.adapters.sql.workspaces import LOCK
from orbiter.domain.errors import NotFound
from orbiter.domain.prices import MODEL_MAX, Price

prices: Final = Table(
    "prices",
    metadata,
    Column("workspace_id", Id, primary_key=True),
    Column("model", String(MODEL_MAX), primary_key=True),
    Column("input_usd_per_million", Money, nullable=False),
    Column("output_usd_per_million", Money, nullable=False),
)

_MINE: Final = prices.c.workspace_id == bindparam("mine")
_FIGURES: Final = ("input_usd_per_million", "output_usd_per_million")
_EVERY: Final = select(prices.c.model, *(prices.c[name] for name in _FIGURES)).where(_MINE)
_COUNT: Final = select(func.count()).select_from(prices).where(_MINE)
_INSERT: Final = insert(prices)
_PUT: Final = _INSERT.on_conflict_do_update(
    index_elements=[prices.c.workspace_id, prices.c.model],
    set_={name: _INSERT.excluded[name] for name in _FIGURES},
)
_REMOVE: Final = delete(prices).where(_MINE, prices.c.model == bindparam("the_model"))


class SqlPrices:
    """Prices that one workspace has set."""

    def __init__(self, transaction: Transaction, workspace_id: str) -> None:
        self._transaction = transaction
        self._mine = {"mine": workspace_id}

    async def every(self) -> Sequence[Price]:
        """Return all of them, by name."""
        rows = await self._transaction.rows(_EVERY, self._mine)
        # Here, as each database has an order of its own.
        return sorted((Price(**row._mapping) for row in rows), key=lambda price: price.model)

    async def count(self) -> int:
        """Count them; who writes and asks next waits for the end."""
        if not self._transaction.reading:
            await self._transaction.rows(LOCK, self._mine)
        found = await self._transaction.first(_COUNT, self._mine)
        return found[0] if found else 0

    async def put(self, price: Price) -> None:
        """Store a price in place of the one of the same model."""
        row: dict[str, Any] = {name: getattr(price, name) for name in _FIGURES}
        row.update(model=price.model, workspace_id=self._mine["mine"])
        await self._transaction.write(_PUT, row)

    async def remove(self, model: str) -> None:
        """Delete a price or raise NotFound."""
        self._transaction.require_writing()
        gone = 0
        if storable(model):
            which = {**self._mine, "the_model": model}
            gone = (await self._transaction.write(_REMOVE, which)).rowcount
        if not gone:
            raise NotFound("Price")
