"""Prices of models: the workspace's own over the list that comes with Orbiter."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from orbiter.application.paging import Page, PageRequest
from orbiter.application.ports.prices import PriceList
from orbiter.application.ports.storage import Storage
from orbiter.application.ports.system import Clock
from orbiter.application.work import Work
from orbiter.domain.errors import Conflict
from orbiter.domain.identity import Actor, Permission
from orbiter.domain.prices import PER_WORKSPACE_MAX, Cached, Price, PriceSource, model_names
from orbiter.domain.providers import Provider
from orbiter.domain.runs import Usage
from orbiter.domain.searching import folded

FRESH: Final = timedelta(seconds=5)
_REMEMBERED: Final = 1000

_Own = Mapping[str, Price]


class WorkspacePrices:
    """What calls cost; a price that another process has set counts after five seconds."""

    def __init__(self, storage: Storage, kept: PriceList, clock: Clock) -> None:
        self.kept = kept
        self._storage = storage
        self._clock = clock
        self._seen: dict[str, tuple[datetime, _Own]] = {}

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

        *cached* says how much of its input the vendor's cache had to do with.
        """
        own = await self._own(provider.workspace_id)
        named = (own.get(name) for name in model_names(provider, model))
        price = next(filter(None, named), None)
        if price is None:
            price = await self.kept.price(
                provider.provider_type, model, input_tokens=usage.input_tokens, at=at
            )
        return None if price is None else price.cost(usage, cached)

    def forget(self, workspace_id: str) -> None:
        """Look at the workspace's own prices again before the next call."""
        self._seen.pop(workspace_id, None)

    async def _own(self, workspace_id: str) -> _Own:
        now = self._clock.now()
        seen_at, own = self._seen.get(workspace_id, (None, {}))
        if seen_at is not None and abs(now - seen_at) < FRESH:
            return own
        if len(self._seen) >= _REMEMBERED:
            self._seen.clear()
        async with self._storage.open(workspace_id, reading=True) as uow:
            own = {price.model: price for price in await uow.prices.every()}
        self._seen[workspace_id] = now, own
        return own


class PriceHandlers:
    """What an actor may do with prices."""

    def __init__(self, work: Work, prices: WorkspacePrices) -> None:
        self._work = work
        self._prices = prices

    async def page(self, actor: Actor, request: PageRequest, q: str | None = None) -> Page[Price]:
        """Return a page of the prices whose model has *q* in its name, where case does not count.

        The workspace's own come first and stand for those of the kept list; both are in the order
        of their names. All is turned round where the newest are not wanted first.
        """
        async with self._work(actor, Permission.PRICES_READ) as uow:
            own = await uow.prices.every()
        kept = await self._prices.kept.every(at=self._work.clock.now())
        words = folded(q or "")
        return _page((each for each in _merged(own, kept) if words in folded(each.model)), request)

    async def put(
        self,
        actor: Actor,
        model: str,
        *,
        input_usd_per_million: Decimal,
        output_usd_per_million: Decimal,
    ) -> Price:
        """Set the workspace's own price of a model; calls from now on cost that."""
        async with self._work(actor, Permission.PRICES_WRITE) as uow:
            price = Price(
                model=model,
                input_usd_per_million=input_usd_per_million,
                output_usd_per_million=output_usd_per_million,
            )
            await uow.prices.put(price)
            if await uow.prices.count() > PER_WORKSPACE_MAX:
                raise Conflict(f"A workspace has at most {PER_WORKSPACE_MAX} prices of its own")
            await self._work.audit(uow, actor, "price.updated", model)
            uow.after_commit(lambda: self._prices.forget(actor.workspace_id))
        return price

    async def remove(self, actor: Actor, model: str) -> None:
        """Go back to the kept price of a model; raise NotFound when there is none of its own."""
        async with self._work(actor, Permission.PRICES_WRITE) as uow:
            await uow.prices.remove(model)
            await self._work.audit(uow, actor, "price.deleted", model)
            uow.after_commit(lambda: self._prices.forget(actor.workspace_id))


def _merged(own: Sequence[Price], kept: Sequence[Price]) -> Iterator[Price]:
    yield from own
    set_here = {price.model for price in own}
    for price in kept:
        _, _, bare = price.model.partition(":")
        if price.model not in set_here and bare not in set_here:
            yield price


def _page(prices: Iterable[Price], request: PageRequest) -> Page[Price]:
    forwards, after = request.newest_first, request.after
    ordered = sorted(prices, key=_key, reverse=not forwards)
    beyond = [
        price
        for price in ordered
        if after is None or (_key(price) > after if forwards else _key(price) < after)
    ]
    items, more = beyond[: request.limit], len(beyond) > request.limit
    return Page(items=items, next_after=_key(items[-1]) if more else None, total=len(ordered))


def _key(price: Price) -> str:
    """Return what prices are ordered by: the workspace's own first, then by name."""
    return f"{price.source is PriceSource.KEPT:d} {price.model}"
