"""Uses of tools: summed up, stored together, and kept counted while storage is away."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from orbiter.adapters.memory.storage import MemoryStorage
from orbiter.adapters.system.ids import new_id
from orbiter.application.ports.storage import UnitOfWork
from orbiter.application.tool_uses import ToolUses
from orbiter.domain.errors import Unavailable
from support.tenants import Tenant, found, settle
from support.virtual_time import VirtualClock


@dataclass
class Counted(MemoryStorage):
    """A storage that counts who writes, and is away as often as a test says."""

    away: int = 0
    written: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    @asynccontextmanager
    async def open(self, workspace_id: str, *, reading: bool = False) -> AsyncIterator[UnitOfWork]:
        if not reading and self.away:
            self.away -= 1
            raise Unavailable("away")
        async with super().open(workspace_id, reading=reading) as uow:
            yield uow
        if not reading:
            self.written.append(workspace_id)


@pytest.fixture
def storage() -> Counted:
    return Counted()


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
async def tenant(storage: Counted) -> Tenant:
    tenant = await settle(storage)
    storage.written.clear()
    return tenant


async def uses(storage: Counted, tenant: Tenant, tool_id: str) -> int:
    return int((await found(storage, tenant.id, "tools", tool_id)).usage_count)


async def test_many_uses_are_one_transaction_for_each_workspace(
    storage: Counted, clock: VirtualClock, tenant: Tenant
) -> None:
    stranger = await settle(storage)
    mine, also = [(await tenant.stored(storage, "tools")).id for _ in range(2)]
    theirs = (await stranger.stored(storage, "tools")).id
    storage.written.clear()
    counted = ToolUses(storage, clock)
    for _ in range(50):
        counted.count(tenant.id, mine)
        counted.count(stranger.id, theirs)
    counted.count(tenant.id, also)
    assert storage.written == []
    await clock.through(clock.sleep(1.5))
    assert sorted(storage.written) == sorted([tenant.id, stranger.id])
    assert await uses(storage, tenant, mine) == 50
    assert await uses(storage, tenant, also) == 1
    assert await uses(storage, stranger, theirs) == 50


async def test_what_is_counted_later_is_stored_later(
    storage: Counted, clock: VirtualClock, tenant: Tenant
) -> None:
    tool = (await tenant.stored(storage, "tools")).id
    counted = ToolUses(storage, clock)
    for expected in (1, 2):
        counted.count(tenant.id, tool)
        await clock.through(clock.sleep(1.5))
        assert await uses(storage, tenant, tool) == expected


async def test_nothing_is_lost_while_storage_is_away(
    storage: Counted, clock: VirtualClock, tenant: Tenant, caplog: pytest.LogCaptureFixture
) -> None:
    tool = (await tenant.stored(storage, "tools")).id
    counted = ToolUses(storage, clock)
    storage.away = 3
    counted.count(tenant.id, tool)
    with caplog.at_level(logging.WARNING):
        await clock.through(clock.sleep(2))
        counted.count(tenant.id, tool)
        await clock.through(clock.sleep(20))
    assert await uses(storage, tenant, tool) == 2
    assert len(caplog.records) == 3


async def test_closing_stores_at_once(
    storage: Counted, clock: VirtualClock, tenant: Tenant
) -> None:
    tool = (await tenant.stored(storage, "tools")).id
    counted = ToolUses(storage, clock)
    counted.count(tenant.id, tool)
    await counted.close()
    assert await uses(storage, tenant, tool) == 1
    await counted.close()
    assert await uses(storage, tenant, tool) == 1


async def test_a_tool_that_is_gone_is_no_trouble(
    storage: Counted, clock: VirtualClock, tenant: Tenant
) -> None:
    counted = ToolUses(storage, clock)
    counted.count(tenant.id, new_id())
    counted.count(new_id(), new_id())
    await counted.close()
