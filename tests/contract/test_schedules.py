"""Schedules: found when due, claimed once, gone with their workflow."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from orbiter.adapters.sql.storage import SqlStorage
from orbiter.adapters.system.ids import new_id
from orbiter.application.paging import PageRequest
from orbiter.application.ports.storage import Storage
from orbiter.application.ports.triggers import TriggerFilter
from orbiter.domain.errors import NotFound
from orbiter.domain.schedules import Schedule
from support.builders import a_schedule
from support.clock import START
from support.tenants import Tenant, found, ids, settle

HOUR = timedelta(hours=1)
DUE = START + HOUR


async def due(storage: Storage, at: datetime, limit: int = 100) -> list[str]:
    """Return the ids of what is due."""
    async with storage.open("", reading=True) as uow:
        return ids(await uow.credentials.due_schedules(at, limit=limit))


async def claimed(storage: Storage, schedule: Schedule, workspace_id: str) -> bool:
    """Claim the schedule's tick for its next one, two hours later."""
    ticked = replace(schedule, next_run_at=DUE + HOUR, last_run_at=DUE, last_error=None)
    async with storage.open(workspace_id) as uow:
        return await uow.schedules.claim(ticked, due=DUE)


async def test_what_is_due_is_found_in_every_workspace_longest_due_first(
    storage: Storage, tenant: Tenant, stranger: Tenant
) -> None:
    late = await tenant.stored(storage, "schedules", next_run_at=DUE)
    later = await stranger.stored(storage, "schedules", next_run_at=START)
    await tenant.stored(storage, "schedules", next_run_at=DUE + timedelta(milliseconds=1))
    await tenant.stored(storage, "schedules", next_run_at=None, enabled=False)
    assert await due(storage, DUE) == [later.id, late.id]
    assert await due(storage, DUE, limit=1) == [later.id]
    assert await due(storage, START - HOUR) == []


async def test_a_tick_is_claimed_once(storage: Storage, tenant: Tenant) -> None:
    schedule = await tenant.stored(storage, "schedules", last_error="The workflow is not valid")
    assert await claimed(storage, schedule, tenant.id)
    assert not await claimed(storage, schedule, tenant.id)
    kept = await found(storage, tenant.id, "schedules", schedule.id)
    assert kept == replace(schedule, next_run_at=DUE + HOUR, last_run_at=DUE, last_error=None)
    assert await due(storage, DUE) == []


async def test_a_claim_leaves_what_was_revised_meanwhile(storage: Storage, tenant: Tenant) -> None:
    schedule = await tenant.stored(storage, "schedules")
    async with storage.open(tenant.id) as uow:
        await uow.schedules.save(replace(schedule, name="Revised"))
    assert await claimed(storage, schedule, tenant.id)
    assert (await found(storage, tenant.id, "schedules", schedule.id)).name == "Revised"


async def test_nobody_claims_what_is_anothers_or_gone(
    storage: Storage, tenant: Tenant, stranger: Tenant
) -> None:
    schedule = await tenant.stored(storage, "schedules")
    assert not await claimed(storage, schedule, stranger.id)
    assert not await claimed(storage, a_schedule(tenant.workflow), tenant.id)
    assert await found(storage, tenant.id, "schedules", schedule.id) == schedule


async def test_a_claim_that_is_rolled_back_leaves_the_tick_to_others(
    storage: Storage, tenant: Tenant
) -> None:
    schedule = await tenant.stored(storage, "schedules")
    with pytest.raises(ZeroDivisionError):
        async with storage.open(tenant.id) as uow:
            assert await uow.schedules.claim(schedule.plan(None), due=DUE)
            raise ZeroDivisionError
    assert await due(storage, DUE) == [schedule.id]


async def test_of_many_who_claim_at_once_one_is_told_so(url: str) -> None:
    storages = [SqlStorage.connect(url) for _ in range(4)]
    tenant = await settle(storages[0])
    schedule = await tenant.stored(storages[0], "schedules")
    claims = [claimed(each, schedule, tenant.id) for each in storages for _ in range(3)]
    assert sum(await asyncio.gather(*claims)) == 1
    for each in storages:
        await each.close()


async def test_schedules_go_with_their_workflow(storage: Storage, tenant: Tenant) -> None:
    await tenant.stored(storage, "schedules")
    async with storage.open(tenant.id) as uow:
        await uow.workflows.remove(tenant.workflow.id)
    assert (await tenant.listed(storage, "schedules")).total == 0
    assert await due(storage, DUE) == []


async def test_schedules_go_when_their_project_is_emptied(storage: Storage, tenant: Tenant) -> None:
    await tenant.stored(storage, "schedules")
    async with storage.open(tenant.id) as uow:
        await uow.projects.empty(tenant.project.id)
    assert (await tenant.listed(storage, "schedules")).total == 0


async def test_a_schedule_needs_a_workflow_of_its_workspace(
    storage: Storage, tenant: Tenant, stranger: Tenant
) -> None:
    for workflow_id in (new_id(), stranger.workflow.id):
        with pytest.raises(NotFound, match="Workflow"):
            await tenant.stored(storage, "schedules", workflow_id=workflow_id)


async def test_schedules_are_listed_by_workflow(storage: Storage, tenant: Tenant) -> None:
    other = await tenant.stored(storage, "workflows")
    mine = await tenant.stored(storage, "schedules")
    another = await tenant.stored(storage, "schedules", workflow_id=other.id)
    async with storage.open(tenant.id, reading=True) as uow:
        for workflow_id, expected in (
            (None, [another.id, mine.id]),
            (other.id, [another.id]),
            (new_id(), []),
            ("\0", []),
        ):
            page = await uow.schedules.page(PageRequest(), TriggerFilter(workflow_id=workflow_id))
            assert ids(page.items) == expected
