"""What calls of models cost."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from orbiter.domain.prices import Cached, Price
from orbiter.domain.providers import Provider, ProviderType
from orbiter.domain.runs import Usage


class Prices(Protocol):
    """Know the prices of models."""

    async def cost(
        self,
        provider: Provider,
        model: str,
        usage: Usage,
        cached: Cached,
        *,
        at: datetime,
    ) -> Decimal | None:
        """Return what *usage* of a model cost in US dollars at a moment, None without a price.

        *cached* says how much of its input the vendor's cache had to do with. What the provider's
        workspace has set for the *model* wins over the kept list.
        """
        ...


class PriceList(Protocol):
    """A list of prices that comes with Orbiter."""

    async def price(
        self, provider_type: ProviderType, model: str, *, input_tokens: int, at: datetime
    ) -> Price | None:
        """Return what a call with that much input cost at a moment, None without a price."""
        ...

    async def every(self, *, at: datetime) -> Sequence[Price]:
        """Return the prices of a day, by the models' names, each as its smallest call costs."""
        ...


class PriceRepository(Protocol):
    """The prices that the workspace has set itself, one for each name of a model."""

    async def every(self) -> Sequence[Price]:
        """Return all of them, by name."""
        ...

    async def count(self) -> int:
        """Count them.

        In a unit of work that writes, the next one who asks waits until it ends.
        """
        ...

    async def put(self, price: Price) -> None:
        """Store a price in place of the one of the same model."""

    async def remove(self, model: str) -> None:
        """Delete a price; raise NotFound when there is none."""
