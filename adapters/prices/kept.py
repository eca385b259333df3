"""The kept list: what comes with the package `genai-prices`, without asking anybody.

The package takes half a second to import, and is not imported before a price is asked for.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

from orbiter.domain.prices import PLACES_MAX, Price, PriceSource
from orbiter.domain.providers import ProviderType

_VENDORS: Final[Mapping[ProviderType, str]] = {
    ProviderType.OPENAI: "openai",
    ProviderType.ANTHROPIC: "anthropic",
    ProviderType.GEMINI: "google",
    ProviderType.AZURE_OPENAI: "azure",
    ProviderType.MISTRAL: "mistral",
    ProviderType.GROQ: "groq",
    ProviderType.OPENROUTER: "openrouter",
}
_GRATIS: Final = ":free"
_REMEMBERED: Final = 4096


class KeptPrices:
    """Prices of the vendors there are, at any moment the list knows of.

    Ollama's and other servers' models have none, nor have those not paid by the token; echo is
    free.
    """

    def __init__(self) -> None:
        self._loading = asyncio.Lock()
        self._vendors: Mapping[ProviderType, Any] = {}
        self._all: Sequence[Any] = ()
        # Looking through a thousand models for each call would be felt.
        self._model = lru_cache(_REMEMBERED)(self._find)
        self._on = lru_cache(1)(self._offered)

    async def price(
        self, provider_type: ProviderType, model: str, *, input_tokens: int, at: datetime
    ) -> Price | None:
        """Return what a call with that much input cost at a moment, None without a price."""
        if provider_type is ProviderType.ECHO:
            return _gratis(f"{provider_type}:{provider_type}")
        if provider_type not in _VENDORS:
            return None
        await self._load()
        found = self._model(provider_type, model)
        return None if found is None else _price(provider_type, found, input_tokens, at)

    async def every(self, *, at: datetime) -> Sequence[Price]:
        """Return the prices of a day, by the models' names, each as its smallest call costs."""
        await self._load()
        return self._on(at.date())

    async def _load(self) -> None:
        async with self._loading:
            if not self._vendors:
                self._all = await asyncio.to_thread(_bundled)
                known = {vendor.id: vendor for vendor in self._all}
                self._vendors = {type: known[id] for type, id in _VENDORS.items()}

    def _find(self, provider_type: ProviderType, model: str) -> Any:
        return self._vendors[provider_type].find_model(model, all_providers=self._all)

    def _offered(self, day: date) -> Sequence[Price]:
        at = datetime.combine(day, time.min, UTC)
        prices = (
            _price(provider_type, model, 0, at)
            for provider_type, vendor in self._vendors.items()
            for model in vendor.models
        )
        return sorted(filter(None, prices), key=lambda price: price.model)


def _bundled() -> Sequence[Any]:
    from genai_prices.data import providers

    return providers


def _price(
    provider_type: ProviderType, model: Any, input_tokens: int, at: datetime
) -> Price | None:
    name = f"{provider_type}:{model.id}"
    figures = model.get_prices(at)
    per_input = _figure(figures.input_mtok, input_tokens)
    per_output = _figure(figures.output_mtok, input_tokens)
    if per_input is None:
        return _gratis(name) if model.id.endswith(_GRATIS) else None
    return Price(
        model=name,
        input_usd_per_million=per_input,
        # What has no price for output, such as embeddings, gives none.
        output_usd_per_million=Decimal(0) if per_output is None else per_output,
        cached_usd_per_million=_figure(figures.cache_read_mtok, input_tokens),
        written_usd_per_million=_figure(figures.cache_write_mtok, input_tokens),
        source=PriceSource.KEPT,
    )


def _figure(price: Any, input_tokens: int) -> Decimal | None:
    """Return the dollars for a million tokens, which may depend on how long the input is."""
    if price is None or isinstance(price, Decimal):
        figure = price
    else:
        reached = [tier.price for tier in price.tiers if input_tokens > tier.start]
        figure = reached[-1] if reached else price.base
    return None if figure is None else round(figure, PLACES_MAX)


def _gratis(name: str) -> Price:
    nothing = Decimal(0)
    return Price(
        model=name,
        input_usd_per_million=nothing,
        output_usd_per_million=nothing,
        source=PriceSource.KEPT,
    )
