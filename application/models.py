"""Models by name: who answers, and what it costs."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from orbiter.application.pools import Failures, Pools
from orbiter.application.ports.models import (
    Answered,
    ChatAnswer,
    ChatRequest,
    Embeddings,
    ModelError,
    ModelGateway,
    OnText,
)
from orbiter.application.ports.prices import Prices
from orbiter.application.ports.storage import Storage
from orbiter.application.ports.system import Clock
from orbiter.application.sealing import Seals
from orbiter.application.vendors import Vendors
from orbiter.domain.prices import NOTHING_CACHED, Cached
from orbiter.domain.providers import Provider, ProviderType
from orbiter.domain.runs import Usage

_EVER: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Embedded:
    """Embeddings with who gave them and what they cost, as in `Answered`."""

    embeddings: Embeddings
    provider: str
    model: str
    cost_usd: Decimal | None


class Models:
    """Call models by `<provider name or type>:<model>`; retries of such calls happen here alone.

    The name of a type means the pool of all its enabled providers, another name means one of them;
    `echo` is there without any. Raise ModelError, PROVIDER_NOT_FOUND when there is nobody to call.
    """

    def __init__(
        self,
        storage: Storage,
        gateway: ModelGateway,
        seals: Seals,
        prices: Prices,
        clock: Clock,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._storage = storage
        self._vendors = Vendors(gateway, seals)
        self._prices = prices
        self._clock = clock
        self._pools = Pools(clock, chance)

    async def chat(
        self,
        workspace_id: str,
        name: str,
        request: ChatRequest,
        on_text: OnText | None = None,
        on_retry: OnText | None = None,
    ) -> Answered:
        """Return the answer of the model *name*, whatever model the *request* names.

        Where a streamed answer breaks off it is asked for again, and its text told from the start.
        *on_retry* is told at each further try how the one before it failed.
        """
        pool, model = await self._pool(workspace_id, name)

        async def ask(provider: Provider, failures: Failures) -> ChatAnswer:
            if failures and on_retry is not None:
                on_retry(f"Attempt {len(failures)} failed, {failures[-1]}")
            asked = replace(request, model=model, failures=request.failures + len(failures))
            return await self._vendors.chat(provider, asked, on_text)

        answer, provider = await self._pools.call(pool, ask)
        models = (model, answer.model)
        cost = await self._cost(provider, models, answer.usage, answer.cached)
        return Answered(answer=answer, provider=provider.name, model=name, cost_usd=cost)

    async def embed(self, workspace_id: str, name: str, texts: Sequence[str]) -> Embedded:
        """Return the texts' embeddings by the model *name*."""
        pool, model = await self._pool(workspace_id, name)

        async def ask(provider: Provider, _: Failures) -> Embeddings:
            return await self._vendors.embed(provider, model, texts)

        found, provider = await self._pools.call(pool, ask)
        cost = await self._cost(provider, (model,), found.usage, NOTHING_CACHED)
        return Embedded(embeddings=found, provider=provider.name, model=name, cost_usd=cost)

    async def _pool(self, workspace_id: str, name: str) -> tuple[Sequence[Provider], str]:
        word, _, model = name.partition(":")
        if not word or not model:
            message = f"{name!r} names no model: it must be like openai:gpt-4o"
            raise ModelError("PROVIDER_NOT_FOUND", message)
        async with self._storage.open(workspace_id, reading=True) as uow:
            pool = await uow.providers.pool(word)
        if pool:
            return pool, model
        if word == ProviderType.ECHO:
            return [_echo(workspace_id)], model
        message = f"There is no enabled provider with the name or the type {word!r}"
        raise ModelError("PROVIDER_NOT_FOUND", message)

    async def _cost(
        self, provider: Provider, models: Sequence[str], usage: Usage | None, cached: Cached
    ) -> Decimal | None:
        """Return the cost at the price of the first of *models* that has one."""
        if usage is None:
            return None
        for model in dict.fromkeys(filter(None, models)):
            cost = await self._prices.cost(provider, model, usage, cached, at=self._clock.now())
            if cost is not None:
                return cost
        return None


def _echo(workspace_id: str) -> Provider:
    """Return the provider that is there without being stored."""
    return Provider(
        id="echo",
        workspace_id=workspace_id,
        name="echo",
        provider_type=ProviderType.ECHO,
        created_by="",
        created_at=_EVER,
        updated_at=_EVER,
    )
