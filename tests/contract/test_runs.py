"""Runs: filters, their end, their steps."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

import pytest

from orbiter.adapters.system.ids import new_id
from orbiter.application.paging import PageRequest
from orbiter.application.ports.repositories import RunFilter
from orbiter.application.ports.storage import Storage
from orbiter.domain.errors import BadRequest, NotFound
from orbiter.domain.runs import Run, RunError, RunKind, RunStatus, StepStatus, Trigger
from support.builders import a_run, a_step
from support.clock import START
from support.tenants import Tenant, found, ids

SECOND: Final = timedelta(seconds=1)
MILLISECOND: Final = timedelta(milliseconds=1)
HUGE: Final = 10**30


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"status": RunStatus.FAILED}, {"status": RunStatus.QUEUED}),
        ({"kind": RunKind.AGENT}, {"kind": RunKind.WORKFLOW}),
        ({"workflow_id": new_id()}, {"workflow_id": None}),
        ({"agent_id": new_id()}, {"agent_id": new_id()}),
        ({"deployment_id": new_id()}, {"deployment_id": None}),
        ({"trigger": Trigger.CI}, {"trigger": Trigger.API}),
    ],
    ids=lambda changes: next(iter(changes)),
)
async def test_runs_are_listed_by_what_they_are(
    storage: Storage, tenant: Tenant, stranger: Tenant, one: dict[str, Any], other: dict[str, Any]
) -> None:
    wanted = await add(storage, tenant, **one)
    await add(storage, tenant, **other)
    await add(storage, stranger, **one)
    assert await listed(storage, tenant, **one) == [wanted.id]


async def test_runs_are_listed_by_project(storage: Storage, tenant: Tenant) -> None:
    other = a_run(await tenant.stored(storage, "projects"))
    async with storage.open(tenant.id) as uow:
        await uow.runs.add(other)
    run = await add(storage, tenant)
    assert await listed(storage, tenant, project_id=tenant.project.id) == [run.id]
    assert await listed(storage, tenant, project_id=other.project_id) == [other.id]


async def test_runs_are_listed_by_when_they_were_queued(storage: Storage, tenant: Tenant) -> None:
    runs = [await add(storage, tenant, queued_at=START + n * MILLISECOND) for n in range(3)]
    first, second, third = ids(runs)
    half = START + MILLISECOND / 2
    assert await listed(storage, tenant, created_after=START) == [third, second, first]
    assert await listed(storage, tenant, created_after=half) == [third, second]
    assert await listed(storage, tenant, created_before=half) == [first]
    assert await listed(storage, tenant, created_before=runs[2].queued_at) == [second, first]
    assert await listed(
        storage, tenant, created_after=runs[1].queued_at, created_before=runs[2].queued_at
    ) == [second]


async def test_runs_are_listed_by_cost(storage: Storage, tenant: Tenant) -> None:
    costs = [Decimal(0), Decimal("0.000000001"), Decimal("0.1"), Decimal("1234567.123456789")]
    first, second, third, fourth = [
        (await add(storage, tenant, cost_usd=cost)).id for cost in costs
    ]
    for minimum, expected in (
        (Decimal(0), [fourth, third, second, first]),
        (Decimal("0.0000000001"), [fourth, third, second]),
        (Decimal("0.000000001"), [fourth, third, second]),
        (Decimal("0.0000000011"), [fourth, third]),
        (Decimal("0.10"), [fourth, third]),
        (Decimal("1234567.12345679"), []),
        (Decimal(HUGE), []),
        (Decimal("1e1000000"), []),
        (-Decimal(HUGE), [fourth, third, second, first]),
    ):
        assert await listed(storage, tenant, min_cost_usd=minimum) == expected


async def test_runs_are_listed_by_duration(storage: Storage, tenant: Tenant) -> None:
    await add(storage, tenant)
    await add(storage, tenant, started_at=START)
    brief = await add(storage, tenant, started_at=START, finished_at=START)
    longer = await add(storage, tenant, started_at=START, finished_at=START + SECOND)
    assert await listed(storage, tenant, min_duration_ms=0) == [longer.id, brief.id]
    assert await listed(storage, tenant, min_duration_ms=1) == [longer.id]
    assert await listed(storage, tenant, min_duration_ms=1000) == [longer.id]
    assert await listed(storage, tenant, min_duration_ms=1001) == []
    assert await listed(storage, tenant, min_duration_ms=HUGE) == []
    assert await listed(storage, tenant, min_duration_ms=-HUGE) == [longer.id, brief.id]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"inputs": {"customer": 'Say "Hi" to C:\\temp'}}, ['say "hi"', "C:\\TEMP", "customer"]),
        ({"inputs": {"rate": "100%_sure"}}, ["%", "_", "100%_", "%_SURE"]),
        ({"inputs": {"Größe": ["ÄRGER", "Ωmega"]}}, ["größe", "ärger", "ωMEGA"]),
        ({"inputs": ["東京", "🚀"]}, ["京", "🚀"]),
        ({"inputs": {"deep": [{"er": [123456789, 1.5, True]}]}}, ["12345678", "1.5", "true", "er"]),
        ({"output": "line one\nline two\ttab"}, ["one\nline", "\ttab"]),
        ({"output": {"text": "a\0b"}}, ["a\0b", "\0"]),
        ({"output": "\ud800 half"}, ["half", " HALF"]),
        ({"error": RunError(code="HTTP_STATUS", message="503 from Straße")}, ["http_", "STRASSE"]),
    ],
)
async def test_runs_are_searched(
    storage: Storage, tenant: Tenant, stranger: Tenant, changes: dict[str, Any], words: list[str]
) -> None:
    run = await add(storage, tenant, **changes)
    await add(storage, tenant, inputs={"nothing": "to see"}, output=[None, {}])
    await add(storage, stranger, **changes)
    for q in words:
        assert await listed(storage, tenant, q=q) == [run.id], q


async def test_runs_are_searched_by_id_and_not_by_syntax(storage: Storage, tenant: Tenant) -> None:
    run, other = [await add(storage, tenant, inputs={"a": ["b"]}) for _ in range(2)]
    assert await listed(storage, tenant, q=run.id) == [run.id]
    assert await listed(storage, tenant, q=run.id.upper()) == [run.id]
    assert await listed(storage, tenant, q="") == [other.id, run.id]
    for q in ("{", '"', "[", "%", "_", "\\", "a%b", "x' OR '1'='1"):
        assert await listed(storage, tenant, q=q) == []


async def test_filters_narrow_each_other_and_pages_keep_them(
    storage: Storage, tenant: Tenant
) -> None:
    wanted = [
        await add(storage, tenant, status=RunStatus.FAILED, trigger=Trigger.CI, output=f"no {n}")
        for n in range(5)
    ]
    await add(storage, tenant, status=RunStatus.FAILED, output="no")
    await add(storage, tenant, trigger=Trigger.CI, output="no")
    only = RunFilter(status=RunStatus.FAILED, trigger=Trigger.CI, q="NO")
    async with storage.open(tenant.id, reading=True) as uow:
        first = await uow.runs.page(PageRequest(limit=3), only)
        second = await uow.runs.page(PageRequest(limit=3, after=first.next_after), only)
    assert ids([*first.items, *second.items]) == ids(wanted)[::-1]
    assert (first.total, second.total, second.next_after) == (5, 5, None)


@pytest.mark.parametrize("name", ["project_id", "workflow_id", "agent_id", "deployment_id"])
async def test_what_is_no_id_lists_no_runs(storage: Storage, tenant: Tenant, name: str) -> None:
    await add(storage, tenant)
    for value in ("", "\0", "%", "\ud800", "x" * 100_000, new_id()):
        assert await listed(storage, tenant, **{name: value}) == []


async def test_a_run_ends_once(storage: Storage, tenant: Tenant) -> None:
    run = (await add(storage, tenant)).start(at=START)
    endings = [
        *(run.complete({"number": number}, at=START + SECOND) for number in range(5)),
        *(run.cancel(at=START + SECOND) for _ in range(5)),
    ]

    async def end(ended: Run) -> bool:
        async with storage.open(tenant.id) as uow:
            return await uow.runs.advance(ended)

    assert await end(run)
    done = await asyncio.gather(*(end(ended) for ended in endings))
    assert sum(done) == 1
    assert await found(storage, tenant.id, "runs", run.id) == endings[done.index(True)]
    assert not await end(run)


async def test_a_run_that_is_gone_does_not_advance(
    storage: Storage, tenant: Tenant, stranger: Tenant
) -> None:
    run = await add(storage, tenant)
    for workspace_id, other in ((tenant.id, a_run(tenant.project)), (stranger.id, run)):
        async with storage.open(workspace_id) as uow:
            assert not await uow.runs.advance(replace(other, status=RunStatus.RUNNING))
    async with storage.open(tenant.id) as uow:
        assert not await uow.runs.advance(a_run(tenant.project, id="\0"))
    assert await found(storage, tenant.id, "runs", run.id) == run


async def test_steps_replace_each_other_by_id(storage: Storage, tenant: Tenant) -> None:
    run = await add(storage, tenant)
    begun = [a_step(run, number) for number in range(3)]
    ended = [step.complete({"n": step.sequence}, at=START + SECOND) for step in begun]
    async with storage.open(tenant.id) as uow:
        await uow.runs.put_steps([begun[1], begun[0]])
        await uow.runs.put_steps([ended[1], begun[2], ended[2], ended[0]])
        await uow.runs.put_steps([])
    assert await steps(storage, tenant, run.id) == ended


async def test_steps_are_paged_in_their_order(storage: Storage, tenant: Tenant) -> None:
    run = await add(storage, tenant)
    written = [a_step(run, number) for number in range(12)]
    async with storage.open(tenant.id) as uow:
        await uow.runs.put_steps(written[::-1])
        for newest_first in (True, False):
            request = PageRequest(limit=10, newest_first=newest_first)
            first = await uow.runs.steps(run.id, request)
            rest = await uow.runs.steps(run.id, replace(request, after=first.next_after))
            assert [*first.items, *rest.items] == written
            assert (first.next_after, first.total) == ("9", 12)
            assert (rest.next_after, rest.total) == (None, 12)
        for after in ("x", "-1", "9" * 100):
            with pytest.raises(BadRequest):
                await uow.runs.steps(run.id, PageRequest(after=after))


async def test_steps_of_runs_that_are_not_there_are_dropped(
    storage: Storage, tenant: Tenant, stranger: Tenant
) -> None:
    run = await add(storage, tenant)
    step = a_step(run)
    async with storage.open(tenant.id) as uow:
        await uow.runs.put_steps([step, a_step(a_run(tenant.project))])
    async with storage.open(stranger.id) as uow:
        await uow.runs.put_steps([a_step(run, 1), replace(step, status=StepStatus.FAILED)])
        assert (await uow.runs.steps(run.id, PageRequest())).total == 0
        assert (await uow.runs.steps("\0", PageRequest())).total == 0
    assert await steps(storage, tenant, run.id) == [step]


async def test_steps_go_with_their_run(storage: Storage, tenant: Tenant) -> None:
    run, other = [await add(storage, tenant) for _ in range(2)]
    async with storage.open(tenant.id) as uow:
        await uow.runs.put_steps([a_step(run), a_step(other)])
        await uow.runs.remove(run.id)
        await uow.runs.put_steps([a_step(run, 1)])
    assert await steps(storage, tenant, run.id) == []
    assert len(await steps(storage, tenant, other.id)) == 1


async def test_what_only_reads_changes_no_run(storage: Storage, tenant: Tenant) -> None:
    run = await add(storage, tenant)
    async with storage.open(tenant.id, reading=True) as uow:
        for change in (uow.runs.advance(run.start(at=START)), uow.runs.put_steps([a_step(run)])):
            with pytest.raises(RuntimeError, match="opened for reading"):
                await change


async def add(storage: Storage, tenant: Tenant, **changes: Any) -> Run:
    """Store a run."""
    run = a_run(tenant.project, **changes)
    async with storage.open(tenant.id) as uow:
        await uow.runs.add(run)
    return run


async def listed(storage: Storage, tenant: Tenant, **only: Any) -> list[str]:
    """Return the ids of the runs that match."""
    async with storage.open(tenant.id, reading=True) as uow:
        page = await uow.runs.page(PageRequest(limit=100), RunFilter(**only))
    assert page.total == len(page.items)
    return ids(page.items)


async def steps(storage: Storage, tenant: Tenant, run_id: str) -> list[Any]:
    """Return the steps of a run."""
    async with storage.open(tenant.id, reading=True) as uow:
        return list((await uow.runs.steps(run_id, PageRequest(limit=100))).items)


async def test_a_step_is_found_in_its_own_run_and_workspace_alone(
    storage: Storage, tenant: Tenant, stranger: Tenant
) -> None:
    run, other = await add(storage, tenant), await add(storage, tenant)
    step = replace(a_step(run), reused=True)
    async with storage.open(tenant.id) as uow:
        await uow.runs.put_steps([step])
        assert await uow.runs.step(run.id, step.id) == step
    for who, run_id, step_id in (
        (tenant, other.id, step.id),
        (tenant, run.id, run.id),
        (tenant, run.id, "nothing\0"),
        (stranger, run.id, step.id),
    ):
        async with storage.open(who.id) as uow:
            with pytest.raises(NotFound):
                await uow.runs.step(run_id, step_id)
