"""A workspace's own prices: one for each model, put, counted and removed."""

import asyncio
from decimal import Decimal
from typing import Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orbiter.adapters.system.ids import new_id
from orbiter.application.ports.storage import Storage
from orbiter.domain.errors import NotFound
from orbiter.domain.prices import Price
from support.tenants import Tenant

figures: Final = st.integers(0, 100_000 * 10**9).map(lambda nanos: Decimal(nanos).scaleb(-9))


def a_price(model: str, dollars: str = "2.5") -> Price:
    """Return a price of a model."""
    figure = Decimal(dollars)
    return Price(model=model, input_usd_per_million=figure, output_usd_per_million=4 * figure)


async def put(storage: Storage, workspace_id: str, *prices: Price) -> None:
    """Store prices in a unit of work."""
    async with storage.open(workspace_id) as uow:
        for price in prices:
            await uow.prices.put(price)


async def every(storage: Storage, workspace_id: str) -> list[Price]:
    """Return all prices of a workspace."""
    async with storage.open(workspace_id, reading=True) as uow:
        return list(await uow.prices.every())


async def test_prices_come_back_by_name(storage: Storage, tenant: Tenant) -> None:
    names = ["openai:gpt-4o", "B", "a", "Zoë:é/ü", "openai:gpt-4", "%", "'; --"]
    prices = [a_price(name) for name in names]
    await put(storage, tenant.id, *prices)
    assert await every(storage, tenant.id) == sorted(prices, key=lambda price: price.model)


async def test_a_model_has_one_price(storage: Storage, tenant: Tenant) -> None:
    await put(storage, tenant.id, a_price("a"), a_price("A"))
    await put(storage, tenant.id, a_price("a", "0.000000001"))
    assert await every(storage, tenant.id) == [a_price("A"), a_price("a", "0.000000001")]


async def test_a_removed_price_is_gone(storage: Storage, tenant: Tenant) -> None:
    await put(storage, tenant.id, a_price("a"), a_price("b"))
    async with storage.open(tenant.id) as uow:
        await uow.prices.remove("a")
        for absent in ("a", "B", "", "\0", "\ud800", "x" * 100_000):
            with pytest.raises(NotFound, match="Price"):
                await uow.prices.remove(absent)
    assert await every(storage, tenant.id) == [a_price("b")]


async def test_another_workspace_sees_and_changes_nothing(
    storage: Storage, tenant: Tenant, stranger: Tenant
) -> None:
    await put(storage, tenant.id, a_price("a"))
    for workspace_id in (stranger.id, new_id(), ""):
        assert await every(storage, workspace_id) == []
        with pytest.raises(NotFound, match="Price"):
            async with storage.open(workspace_id) as uow:
                await uow.prices.remove("a")
    await put(storage, stranger.id, a_price("a", "7"))
    assert await every(storage, tenant.id) == [a_price("a")]


async def test_what_only_reads_changes_nothing(storage: Storage, tenant: Tenant) -> None:
    await put(storage, tenant.id, a_price("a"))
    async with storage.open(tenant.id, reading=True) as uow:
        for change in (uow.prices.put(a_price("b")), uow.prices.remove("a")):
            with pytest.raises(RuntimeError, match="opened for reading"):
                await change
    assert await every(storage, tenant.id) == [a_price("a")]


async def test_who_counts_waits_for_whoever_did_so_before(
    storage: Storage, tenant: Tenant, stranger: Tenant
) -> None:
    await put(storage, stranger.id, a_price("a"))

    async def add(model: str) -> int:
        async with storage.open(tenant.id) as uow:
            await uow.prices.put(a_price(model))
            return await uow.prices.count()

    assert sorted(await asyncio.gather(*map(add, "abcde"))) == [1, 2, 3, 4, 5]
    async with storage.open(tenant.id, reading=True) as uow:
        assert await uow.prices.count() == 5


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(figures, figures)
async def test_dollars_come_back_to_the_billionth(
    storage: Storage, tenant: Tenant, per_input: Decimal, per_output: Decimal
) -> None:
    price = Price(model="a", input_usd_per_million=per_input, output_usd_per_million=per_output)
    await put(storage, tenant.id, price)
    assert await every(storage, tenant.id) == [price]
