"""Ticks: each due one starts one run, whatever the storage and however many look."""

import asyncio
from dataclasses import replace
from datetime import timedelta

from orbiter.adapters.sql.storage import SqlStorage
from orbiter.application.ports.storage import Storage, UnitOfWork
from orbiter.domain.runs import Run, RunStatus, Trigger
from orbiter.domain.schedules import Schedule
from orbiter.domain.workflows import Canvas, Edge, Node, WorkflowVersion, issues_of
from support.builders import a_run, a_version, a_workflow
from support.clock import START, ManualClock
from support.runs import IdleEngine
from support.tenants import Tenant, found, settle
from support.triggers import Triggers

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SCHEMA = {
    "type": "object",
    "required": ["n"],
    "properties": {"n": {"type": "integer"}, "k": {"type": "integer", "default": 2}},
}


class BrokenEngine(IdleEngine):
    """An engine that accepts no run of a schedule whose inputs say so."""

    async def accept(
        self,
        uow: UnitOfWork,
        run: Run,
        *,
        graph: WorkflowVersion | None = None,
        has_past: bool = False,
    ) -> None:
        await uow.runs.add(run)
        if run.inputs.get("breaks"):
            raise ZeroDivisionError


async def ticked(storage: Storage, tenant: Tenant, schedule: Schedule) -> Schedule:
    """Return the schedule as it is now."""
    kept: Schedule = await found(storage, tenant.id, "schedules", schedule.id)
    return kept


async def a_demanding_workflow(storage: Storage, tenant: Tenant, *, finished: bool = True) -> str:
    """Store a workflow that demands `inputs.n`, perhaps without an end, and return its id."""
    head = a_workflow(tenant.project)
    nodes = [Node(id="start", type="start", config={"inputs": SCHEMA})]
    if finished:
        nodes.append(Node(id="end", type="end"))
    edges = (Edge(id="edge", source="start", target="end"),) if finished else ()
    canvas = Canvas(nodes=tuple(nodes), edges=edges)
    async with storage.open(tenant.id) as uow:
        await uow.workflows.add(head)
        issues = tuple(issues_of(canvas))
        await uow.workflows.add_version(a_version(head, canvas=canvas, issues=issues))
    return head.id


async def test_a_tick_that_is_due_starts_a_run_of_its_maker(
    storage: Storage, tenant: Tenant
) -> None:
    triggers = Triggers(storage)
    schedule = await tenant.stored(storage, "schedules", inputs={"name": "Ada"})
    triggers.clock.advance(HOUR)
    assert await triggers.ticker.look() == 1
    (run,) = await triggers.runs(tenant)
    assert run == replace(
        run,
        workflow_id=tenant.workflow.id,
        project_id=tenant.project.id,
        status=RunStatus.QUEUED,
        trigger=Trigger.SCHEDULE,
        inputs={"name": "Ada"},
        created_by=schedule.created_by,
        queued_at=START + HOUR,
    )
    assert await ticked(storage, tenant, schedule) == replace(
        schedule, last_run_at=START + HOUR, next_run_at=START + HOUR + DAY
    )


async def test_what_is_not_due_or_disabled_does_not_tick(storage: Storage, tenant: Tenant) -> None:
    triggers = Triggers(storage)
    await tenant.stored(storage, "schedules")
    await tenant.stored(storage, "schedules", enabled=False, next_run_at=None)
    triggers.clock.advance(HOUR - timedelta(milliseconds=1))
    assert await triggers.ticker.look() == 0
    assert await triggers.runs(tenant) == []


async def test_of_missed_ticks_the_last_one_alone_is_made_up_for(
    storage: Storage, tenant: Tenant
) -> None:
    triggers = Triggers(storage)
    schedule = await tenant.stored(storage, "schedules", cron="0 * * * *", next_run_at=START)
    triggers.clock.advance(5 * HOUR)
    assert [await triggers.ticker.look() for _ in range(3)] == [1, 0, 0]
    kept = await ticked(storage, tenant, schedule)
    assert (kept.last_run_at, kept.next_run_at) == (START + 5 * HOUR, START + 5.5 * HOUR)


async def test_inputs_that_do_not_fit_are_noted_and_the_schedule_goes_on(
    storage: Storage, tenant: Tenant
) -> None:
    triggers = Triggers(storage)
    workflow_id = await a_demanding_workflow(storage, tenant)
    schedule = await tenant.stored(
        storage, "schedules", workflow_id=workflow_id, inputs={"n": "one"}
    )
    triggers.clock.advance(HOUR)
    assert await triggers.ticker.look() == 0
    failed = await ticked(storage, tenant, schedule)
    assert failed.last_error is not None and failed.last_error.startswith("inputs.n: ")
    assert (failed.last_run_at, failed.next_run_at) == (None, START + HOUR + DAY)
    async with storage.open(tenant.id) as uow:
        await uow.schedules.save(replace(failed, inputs={"n": 1}))
    triggers.clock.advance(DAY)
    assert await triggers.ticker.look() == 1
    assert (await ticked(storage, tenant, schedule)).last_error is None


async def test_an_unfinished_workflow_is_noted(storage: Storage, tenant: Tenant) -> None:
    triggers = Triggers(storage)
    workflow_id = await a_demanding_workflow(storage, tenant, finished=False)
    schedule = await tenant.stored(
        storage, "schedules", workflow_id=workflow_id, inputs={"n": 1}, next_run_at=START
    )
    other = await tenant.stored(storage, "schedules", next_run_at=START)
    assert await triggers.ticker.look() == 1
    assert "canvas" in str((await ticked(storage, tenant, schedule)).last_error)
    assert (await ticked(storage, tenant, other)).last_error is None


async def test_a_run_that_is_not_accepted_leaves_the_tick_and_the_others_alone(
    storage: Storage, tenant: Tenant
) -> None:
    broken = Triggers(storage, engine=BrokenEngine())
    schedule = await tenant.stored(storage, "schedules", inputs={"breaks": 1}, next_run_at=START)
    await tenant.stored(storage, "schedules", next_run_at=START)
    assert await broken.ticker.look() == 1
    assert await ticked(storage, tenant, schedule) == schedule
    assert len(await broken.runs(tenant)) == 1
    assert await Triggers(storage).ticker.look() == 1


async def test_more_than_one_look_takes_are_all_ticked(storage: Storage, tenant: Tenant) -> None:
    triggers = Triggers(storage)
    async with storage.open(tenant.id) as uow:
        for _ in range(205):
            await uow.schedules.add(tenant.new("schedules", next_run_at=START))
    assert await triggers.ticker.look() == 205


async def test_of_many_processes_exactly_one_ticks(url: str) -> None:
    storages = [SqlStorage.connect(url) for _ in range(3)]
    tenant = await settle(storages[0])
    clock = ManualClock()
    processes = [Triggers(storage, clock) for storage in storages]
    for minute in range(5):
        await tenant.stored(storages[0], "schedules", cron=f"{minute} * * * *", next_run_at=START)
    for hour in range(1, 4):
        looks = [process.ticker.look() for process in processes for _ in range(2)]
        assert sum(await asyncio.gather(*looks)) == 5
        assert len(await processes[0].runs(tenant)) == 5 * hour
        clock.advance(HOUR)
    for storage in storages:
        await storage.close()


async def test_runs_by_hand_are_no_ticks(storage: Storage, tenant: Tenant) -> None:
    schedule = await tenant.stored(storage, "schedules")
    async with storage.open(tenant.id) as uow:
        await uow.runs.add(a_run(tenant.project, workflow_id=tenant.workflow.id))
    assert (await ticked(storage, tenant, schedule)).last_run_at is None
