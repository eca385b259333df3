"""What calls of models cost."""

from datetime import datetime
from decimal import Decimal
from typing import Protocol

from orbiter.domain.providers import ProviderType
from orbiter.domain.runs import Usage


class Prices(Protocol):
    """Know the prices of models."""

    async def cost(
        self,
        workspace_id: str,
        provider_type: ProviderType,
        model: str,
        usage: Usage,
        cached_tokens: int,
        *,
        at: datetime,
    ) -> Decimal | None:
        """Return what *usage* of a model cost in US dollars at a moment, None without a price.

        *cached_tokens* of its input were read from the vendor's cache. What the workspace has set
        for the *model* wins over the kept list.
        """
        ...
