"""Prices: the workspace's own over the kept ones, looked up, set, and gone back from."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from orbiter.adapters.memory.storage import MemoryStorage
from orbiter.adapters.system.ids import new_id
from orbiter.application.paging import PageRequest
from orbiter.application.ports.repositories import AuditFilter
from orbiter.application.prices import FRESH, PriceHandlers, WorkspacePrices
from orbiter.application.work import Work
from orbiter.domain.errors import Conflict, Forbidden, Invalid, NotFound
from orbiter.domain.identity import Actor, Role, permissions_of
from orbiter.domain.prices import NOTHING_CACHED, PER_WORKSPACE_MAX, Price, PriceSource
from orbiter.domain.providers import ProviderType
from orbiter.domain.runs import Usage
from support.builders import a_provider
from support.clock import START, ManualClock
from support.tenants import Tenant, settle
from support.triggers import developer_of

MILLION = Usage(input_tokens=10**6, output_tokens=10**6)


def kept_price(model: str, dollars: int) -> Price:
    """Return a price of a list."""
    return Price(
        model=model,
        input_usd_per_million=Decimal(dollars),
        output_usd_per_million=Decimal(dollars),
        source=PriceSource.KEPT,
    )


@dataclass
class ShortList:
    """A kept list of three prices."""

    prices: Sequence[Price] = field(
        default_factory=lambda: [
            kept_price("azure_openai:gpt-4o", 4),
            kept_price("groq:llama", 1),
            kept_price("openai:gpt-4o", 3),
        ]
    )

    async def price(
        self, provider_type: ProviderType, model: str, *, input_tokens: int, at: datetime
    ) -> Price | None:
        """Return the price of that name."""
        named = {price.model: price for price in self.prices}
        return named.get(f"{provider_type}:{model}")

    async def every(self, *, at: datetime) -> Sequence[Price]:
        """Return all three."""
        return self.prices


class Shop:
    """Prices of workspaces over a storage in memory, as one process has them."""

    def __init__(self, storage: MemoryStorage | None = None) -> None:
        self.storage = storage or MemoryStorage()
        self.clock = ManualClock()
        self.own = WorkspacePrices(self.storage, ShortList(), self.clock)
        self.prices = PriceHandlers(Work(self.storage, self.clock, new_id), self.own)

    async def cost(
        self, tenant: Tenant, model: str, type: ProviderType = ProviderType.OPENAI
    ) -> Decimal | None:
        """Return what a million tokens in and out cost."""
        provider = a_provider(tenant.id, provider_type=type, name="mine", base_url="https://a.b")
        return await self.own.cost(provider, model, MILLION, NOTHING_CACHED, at=self.clock.now())

    async def put(self, actor: Actor, model: str, per_input: str, per_output: str) -> Price:
        """Set a price."""
        figures = Decimal(per_input), Decimal(per_output)
        return await self.prices.put(
            actor, model, input_usd_per_million=figures[0], output_usd_per_million=figures[1]
        )

    async def listed(self, actor: Actor, q: str | None = None, **request: Any) -> list[str]:
        """Return the models of a page."""
        page = await self.prices.page(actor, PageRequest(**request), q)
        return [price.model for price in page.items]


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture
async def tenant(shop: Shop) -> Tenant:
    return await settle(shop.storage)


@pytest.fixture
def developer(tenant: Tenant) -> Actor:
    return developer_of(tenant)


async def test_an_own_price_wins_and_that_of_the_provider_most(
    shop: Shop, tenant: Tenant, developer: Actor
) -> None:
    stranger = await settle(shop.storage)
    assert await shop.cost(tenant, "gpt-4o") == 6
    await shop.put(developer, "gpt-4o", "10", "0.5")
    assert await shop.cost(tenant, "gpt-4o") == Decimal("10.5")
    assert await shop.cost(tenant, "gpt-4o", ProviderType.OLLAMA) == Decimal("10.5")
    await shop.put(developer, "openai:gpt-4o", "1", "1")
    assert await shop.cost(tenant, "gpt-4o") == 2
    assert await shop.cost(tenant, "gpt-4o", ProviderType.AZURE_OPENAI) == Decimal("10.5")
    await shop.put(developer, "others:gpt-4o", "7", "7")
    assert await shop.cost(tenant, "gpt-4o") == 2
    await shop.put(developer, "mine:gpt-4o", "0", "0")
    assert await shop.cost(tenant, "gpt-4o") == 0
    assert await shop.cost(stranger, "gpt-4o") == 6


async def test_what_has_no_price_costs_nobody_knows_what(
    shop: Shop, tenant: Tenant, developer: Actor
) -> None:
    assert await shop.cost(tenant, "llama", ProviderType.OLLAMA) is None
    await shop.put(developer, "ollama:llama", "1", "2")
    assert await shop.cost(tenant, "llama", ProviderType.OLLAMA) == 3
    await shop.prices.remove(developer, "ollama:llama")
    assert await shop.cost(tenant, "llama", ProviderType.OLLAMA) is None


async def test_one_goes_back_to_the_kept_price(
    shop: Shop, tenant: Tenant, developer: Actor
) -> None:
    await shop.put(developer, "openai:gpt-4o", "10", "10")
    await shop.prices.remove(developer, "openai:gpt-4o")
    assert await shop.cost(tenant, "gpt-4o") == 6
    with pytest.raises(NotFound, match="Price"):
        await shop.prices.remove(developer, "openai:gpt-4o")


async def test_what_another_process_has_set_counts_a_few_seconds_later(
    shop: Shop, tenant: Tenant, developer: Actor
) -> None:
    other = Shop(shop.storage)
    assert await other.cost(tenant, "gpt-4o") == 6
    await shop.put(developer, "openai:gpt-4o", "10", "10")
    assert await shop.cost(tenant, "gpt-4o") == 20
    other.clock.advance(FRESH - timedelta(milliseconds=1))
    assert await other.cost(tenant, "gpt-4o") == 6
    other.clock.advance(timedelta(milliseconds=1))
    assert await other.cost(tenant, "gpt-4o") == 20


async def test_a_price_that_was_not_committed_counts_nowhere(
    shop: Shop, tenant: Tenant, developer: Actor
) -> None:
    with pytest.raises(Invalid):
        await shop.put(developer, "openai:gpt-4o", "1e-10", "-1")
    with pytest.raises(Invalid):
        await shop.put(developer, "", "1", "1")
    assert await shop.cost(tenant, "gpt-4o") == 6
    assert await shop.listed(developer) == [price.model for price in ShortList().prices]


async def test_the_own_prices_come_first_and_stand_for_the_kept_ones(
    shop: Shop, developer: Actor
) -> None:
    await shop.put(developer, "vllm:own", "1", "1")
    await shop.put(developer, "openai:gpt-4o", "1", "1")
    own = ["openai:gpt-4o", "vllm:own"]
    assert await shop.listed(developer) == [*own, "azure_openai:gpt-4o", "groq:llama"]
    await shop.put(developer, "gpt-4o", "1", "1")
    assert await shop.listed(developer) == ["gpt-4o", *own, "groq:llama"]
    assert await shop.listed(developer, newest_first=False) == [
        "groq:llama",
        "vllm:own",
        "openai:gpt-4o",
        "gpt-4o",
    ]
    page = await shop.prices.page(developer, PageRequest())
    assert [price.source.value for price in page.items] == ["workspace"] * 3 + ["kept"]


async def test_prices_are_found_by_any_part_of_the_name(shop: Shop, developer: Actor) -> None:
    await shop.put(developer, "my-GPT", "1", "1")
    assert await shop.listed(developer, "GpT") == ["my-GPT", "azure_openai:gpt-4o", "openai:gpt-4o"]
    assert await shop.listed(developer, "openai:") == ["azure_openai:gpt-4o", "openai:gpt-4o"]
    assert await shop.listed(developer, "nothing") == []
    assert len(await shop.listed(developer, "")) == 4


@pytest.mark.parametrize("newest_first", [True, False])
async def test_pages_follow_each_other_without_gaps(
    shop: Shop, developer: Actor, newest_first: bool
) -> None:
    for model in ("b", "a"):
        await shop.put(developer, model, "1", "1")
    seen: list[str] = []
    after = None
    while True:
        request = PageRequest(limit=2, after=after, newest_first=newest_first)
        page = await shop.prices.page(developer, request)
        assert page.total == 5
        seen += [price.model for price in page.items]
        after = page.next_after
        if after is None:
            break
    assert seen == await shop.listed(developer, newest_first=newest_first)


async def test_there_is_room_for_so_many(shop: Shop, tenant: Tenant, developer: Actor) -> None:
    async with shop.storage.open(tenant.id) as uow:
        for number in range(PER_WORKSPACE_MAX):
            await uow.prices.put(
                Price(
                    model=f"m{number}",
                    input_usd_per_million=Decimal(1),
                    output_usd_per_million=Decimal(1),
                )
            )
    with pytest.raises(Conflict, match="at most 1000"):
        await shop.put(developer, "more", "1", "1")
    assert await shop.cost(tenant, "more") is None
    await shop.put(developer, "m7", "2", "2")
    assert await shop.cost(tenant, "m7") == 4


async def test_a_viewer_looks_up_and_changes_nothing(
    shop: Shop, tenant: Tenant, developer: Actor
) -> None:
    viewer = developer_of(tenant, role=Role.VIEWER, permissions=permissions_of(Role.VIEWER))
    await shop.put(developer, "a", "1", "1")
    assert len(await shop.listed(viewer)) == 4
    for attempt in (shop.put(viewer, "a", "0", "0"), shop.prices.remove(viewer, "a")):
        with pytest.raises(Forbidden):
            await attempt


async def test_the_audit_log_tells_whose_price_it_was(
    shop: Shop, tenant: Tenant, developer: Actor
) -> None:
    await shop.put(developer, "openrouter:a/b", "1", "1")
    await shop.prices.remove(developer, "openrouter:a/b")
    async with shop.storage.open(tenant.id, reading=True) as uow:
        request = PageRequest(newest_first=False)
        entries = (await uow.audit_log.page(request, AuditFilter())).items
    assert [(each.action, each.entity_id, each.actor_id) for each in entries] == [
        ("price.updated", "openrouter:a/b", tenant.user.id),
        ("price.deleted", "openrouter:a/b", tenant.user.id),
    ]
    assert entries[0].created_at == START
