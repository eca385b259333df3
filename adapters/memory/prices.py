"""A workspace's own prices in memory."""

from collections.abc import Sequence

from orbiter.adapters.memory.tables import Tables
from orbiter.domain.errors import NotFound
from orbiter.domain.prices import Price


class MemoryPrices:
    """Prices that one workspace has set."""

    def __init__(self, tables: Tables, workspace_id: str) -> None:
        self._rows = tables.prices
        self._workspace_id = workspace_id

    async def every(self) -> Sequence[Price]:
        """Return all of them, by name."""
        own = self._rows.get(self._workspace_id) or {}
        return [own[model] for model in sorted(own)]

    async def count(self) -> int:
        """Count them; there is one writer at a time."""
        return len(self._rows.get(self._workspace_id) or {})

    async def put(self, price: Price) -> None:
        """Store a price in place of the one of the same model."""
        own = self._rows.get(self._workspace_id) or {}
        self._rows.put(self._workspace_id, {**own, price.model: price})

    async def remove(self, model: str) -> None:
        """Delete a price or raise NotFound."""
        self._rows.for_writing()
        own = dict(self._rows.get(self._workspace_id) or {})
        if own.pop(model, None) is None:
            raise NotFound("Price")
        self._rows.put(self._workspace_id, own)
