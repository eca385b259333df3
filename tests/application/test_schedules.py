"""Schedules: who makes them, when they are due, what is refused."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from orbiter.adapters.memory.storage import MemoryStorage
from orbiter.adapters.system.ids import new_id
from orbiter.application.paging import PageRequest
from orbiter.application.ports.repositories import AuditFilter
from orbiter.application.ports.triggers import TriggerFilter
from orbiter.domain.errors import Forbidden, Invalid, NotFound
from orbiter.domain.identity import Actor, Permission, Role, Scope, permissions_of
from support.clock import START
from support.office import wrong_fields
from support.tenants import Tenant, settle
from support.triggers import Triggers, developer_of

NINE_IN_BERLIN = datetime(2026, 11, 26, 8, tzinfo=UTC)


@pytest.fixture
def triggers() -> Triggers:
    return Triggers(MemoryStorage())


@pytest.fixture
async def tenant(triggers: Triggers) -> Tenant:
    return await settle(triggers.storage)


@pytest.fixture
def developer(tenant: Tenant) -> Actor:
    return developer_of(tenant)


async def test_a_schedule_knows_its_next_tick(
    triggers: Triggers, tenant: Tenant, developer: Actor
) -> None:
    made = await triggers.schedules.create(
        developer, workflow_id=tenant.workflow.id, cron="0 9 * * *", timezone="Europe/Berlin"
    )
    assert (made.next_run_at, made.last_run_at, made.enabled) == (NINE_IN_BERLIN, None, True)
    assert (made.created_by, made.inputs, made.name) == (developer.user_id, {}, None)
    assert await triggers.schedules.get(developer, made.id) == made


async def test_it_is_read_in_utc_by_default(
    triggers: Triggers, tenant: Tenant, developer: Actor
) -> None:
    made = await triggers.schedules.create(
        developer, workflow_id=tenant.workflow.id, cron="0 9 * * *"
    )
    assert (made.timezone, made.next_run_at) == ("UTC", NINE_IN_BERLIN + timedelta(hours=1))


async def test_a_disabled_one_has_no_next_tick_until_it_is_enabled(
    triggers: Triggers, tenant: Tenant, developer: Actor
) -> None:
    made = await triggers.schedules.create(
        developer, workflow_id=tenant.workflow.id, cron="0 9 * * *", enabled=False
    )
    assert made.next_run_at is None
    triggers.clock.advance(timedelta(days=3))
    enabled = await triggers.schedules.revise(developer, made.id, enabled=True)
    assert enabled.next_run_at == datetime(2026, 11, 29, 9, tzinfo=UTC)
    disabled = await triggers.schedules.revise(developer, made.id, enabled=False)
    assert disabled.next_run_at is None
    assert disabled.updated_at == triggers.clock.now() > disabled.created_at


async def test_another_plan_is_another_next_tick(
    triggers: Triggers, tenant: Tenant, developer: Actor
) -> None:
    made = await triggers.schedules.create(
        developer, workflow_id=tenant.workflow.id, cron="0 9 * * *", inputs={"n": 1}
    )
    earlier = await triggers.schedules.revise(developer, made.id, timezone="Europe/Berlin")
    assert earlier.next_run_at == NINE_IN_BERLIN
    hourly = await triggers.schedules.revise(developer, made.id, cron="0 * * * *")
    assert hourly.next_run_at == datetime(2026, 11, 25, 10, tzinfo=UTC)
    assert (hourly.inputs, hourly.timezone) == ({"n": 1}, "Europe/Berlin")


async def test_a_tick_that_is_due_is_not_lost_to_a_change_of_something_else(
    triggers: Triggers, tenant: Tenant, developer: Actor
) -> None:
    made = await triggers.schedules.create(
        developer, workflow_id=tenant.workflow.id, cron="0 10 * * *"
    )
    triggers.clock.advance(timedelta(hours=1))
    named = await triggers.schedules.revise(developer, made.id, name="Daily", inputs={"n": 2})
    assert named.next_run_at == made.next_run_at
    assert await triggers.ticker.look() == 1
    assert [run.inputs for run in await triggers.runs(tenant)] == [{"n": 2}]


async def test_everything_wrong_is_told_at_once(triggers: Triggers, developer: Actor) -> None:
    with pytest.raises(Invalid) as refusal:
        await triggers.schedules.create(
            developer, workflow_id=new_id(), cron="every day", timezone="Europe/Bielefeld"
        )
    assert wrong_fields(refusal.value) == {
        "workflow_id": "value_error",
        "cron": "value_error",
        "timezone": "value_error",
    }


async def test_texts_have_bounds(triggers: Triggers, tenant: Tenant, developer: Actor) -> None:
    with pytest.raises(Invalid) as refusal:
        await triggers.schedules.create(
            developer, workflow_id=tenant.workflow.id, cron="*" * 101, name="", timezone=""
        )
    assert wrong_fields(refusal.value) == {
        "name": "string_too_short",
        "cron": "string_too_long",
        "timezone": "string_too_short",
    }


async def test_a_refused_change_changes_nothing(
    triggers: Triggers, tenant: Tenant, developer: Actor
) -> None:
    made = await triggers.schedules.create(
        developer, workflow_id=tenant.workflow.id, cron="0 9 * * *"
    )
    wrong: list[dict[str, Any]] = [
        {"cron": "61 * * * *"},
        {"timezone": "Mars"},
        {"workflow_id": new_id()},
    ]
    for changes in wrong:
        with pytest.raises(Invalid):
            await triggers.schedules.revise(developer, made.id, name="Changed", **changes)
    assert await triggers.schedules.get(developer, made.id) == made


async def test_it_starts_no_workflow_of_another_workspace(
    triggers: Triggers, developer: Actor
) -> None:
    other = await settle(triggers.storage)
    with pytest.raises(Invalid) as refusal:
        await triggers.schedules.create(developer, workflow_id=other.workflow.id, cron="0 9 * * *")
    assert wrong_fields(refusal.value) == {"workflow_id": "value_error"}


async def test_another_workspace_neither_sees_nor_changes_it(
    triggers: Triggers, tenant: Tenant, developer: Actor
) -> None:
    made = await triggers.schedules.create(
        developer, workflow_id=tenant.workflow.id, cron="0 9 * * *"
    )
    stranger = developer_of(await settle(triggers.storage))
    for attempt in (
        triggers.schedules.get(stranger, made.id),
        triggers.schedules.revise(stranger, made.id, enabled=False),
        triggers.schedules.remove(stranger, made.id),
    ):
        with pytest.raises(NotFound, match="Schedule not found"):
            await attempt
    page = await triggers.schedules.page(stranger, PageRequest(), TriggerFilter())
    assert page.total == 0
    assert await triggers.schedules.get(developer, made.id) == made


async def test_a_viewer_looks_only(triggers: Triggers, tenant: Tenant, developer: Actor) -> None:
    made = await triggers.schedules.create(
        developer, workflow_id=tenant.workflow.id, cron="0 9 * * *"
    )
    viewer = replace(developer, role=Role.VIEWER, permissions=permissions_of(Role.VIEWER))
    assert await triggers.schedules.get(viewer, made.id) == made
    for attempt in (
        triggers.schedules.create(viewer, workflow_id=tenant.workflow.id, cron="0 9 * * *"),
        triggers.schedules.revise(viewer, made.id, enabled=False),
        triggers.schedules.remove(viewer, made.id),
    ):
        with pytest.raises(Forbidden):
            await attempt


async def test_who_may_not_run_makes_nothing_that_runs(
    triggers: Triggers, tenant: Tenant, developer: Actor
) -> None:
    made = await triggers.schedules.create(
        developer, workflow_id=tenant.workflow.id, cron="0 9 * * *"
    )
    permissions = permissions_of(Role.DEVELOPER, [Scope.READ, Scope.WRITE])
    writer = replace(developer, permissions=permissions)
    for attempt in (
        triggers.schedules.create(writer, workflow_id=tenant.workflow.id, cron="0 9 * * *"),
        triggers.schedules.revise(writer, made.id, cron="* * * * *"),
    ):
        with pytest.raises(Forbidden, match=Permission.WORKFLOWS_RUN):
            await attempt
    await triggers.schedules.remove(writer, made.id)


async def test_what_is_done_to_it_is_audited(
    triggers: Triggers, tenant: Tenant, developer: Actor
) -> None:
    made = await triggers.schedules.create(
        developer, workflow_id=tenant.workflow.id, cron="0 10 * * *"
    )
    await triggers.schedules.revise(developer, made.id, name="Daily")
    triggers.clock.advance(timedelta(hours=1))
    await triggers.ticker.look()
    await triggers.schedules.remove(developer, made.id)
    async with triggers.storage.open(tenant.id, reading=True) as uow:
        page = await uow.audit_log.page(PageRequest(newest_first=False), AuditFilter())
    assert [(entry.action, entry.actor_id) for entry in page.items] == [
        ("schedule.created", developer.user_id),
        ("schedule.updated", developer.user_id),
        ("run.started", developer.user_id),
        ("schedule.deleted", developer.user_id),
    ]
    assert {entry.entity_id for entry in page.items if entry.entity_type == "schedule"} == {made.id}
    assert START < page.items[-1].created_at
