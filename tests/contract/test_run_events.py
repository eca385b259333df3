"""The log of a run's events: order, no gaps, nothing told twice, nothing after the end."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from orbiter.adapters.memory.run_feed import MemoryRunFeed
from orbiter.adapters.system.ids import new_id
from orbiter.application.ports.storage import Storage
from orbiter.application.run_events import Chronicle
from orbiter.domain.run_events import RunEvent, RunEventType, events_of
from orbiter.domain.runs import Run, RunError, RunStatus, Step, StepError, Usage
from support.builders import a_run, a_step
from support.clock import START, ManualClock
from support.tenants import Tenant

LATER = START + timedelta(seconds=1)


@pytest.fixture
async def run(storage: Storage, tenant: Tenant) -> Run:
    """A run under way."""
    return await added(storage, tenant)


async def test_events_are_counted_from_one_in_their_order(
    storage: Storage, tenant: Tenant, run: Run
) -> None:
    steps = [a_step(run, number) for number in range(3)]
    for told in (steps[:1], steps[1:], [step.complete("x", at=LATER) for step in steps]):
        await tell(storage, run, told)
    await tell(storage, run.complete("y", at=LATER), [])
    events = await read(storage, tenant, run)
    assert [event.sequence for event in events] == list(range(1, 9))
    assert [event.type for event in events] == [
        RunEventType.RUN_STARTED,
        *[RunEventType.STEP_STARTED] * 3,
        *[RunEventType.STEP_COMPLETED] * 3,
        RunEventType.RUN_COMPLETED,
    ]
    assert [event.step for event in events[1:4]] == steps


async def test_pages_go_on_where_one_left_off(storage: Storage, tenant: Tenant, run: Run) -> None:
    await tell(storage, run, [a_step(run, number) for number in range(6)])
    events = await read(storage, tenant, run)
    async with storage.open(tenant.id, reading=True) as uow:
        for after in range(9):
            for limit in (1, 3, 100):
                page = await uow.run_events.page(run.id, after=after, limit=limit)
                assert list(page) == events[after : after + limit]


async def test_what_was_told_is_not_told_again(storage: Storage, tenant: Tenant, run: Run) -> None:
    step = a_step(run)
    await tell(storage, run, [step])
    before = await read(storage, tenant, run)
    await tell(storage, run, [step])
    assert await read(storage, tenant, run) == before
    ended = step.complete("x", at=LATER)
    for told in (ended, ended, step, step.fail(StepError(code="X", message="y"), at=LATER)):
        await tell(storage, run, [told])
    assert (await read(storage, tenant, run))[len(before) :] == [
        event
        for event in await read(storage, tenant, run)
        if event.type is RunEventType.STEP_COMPLETED
    ]


async def test_a_run_may_wait_often_and_ends_once(
    storage: Storage, tenant: Tenant, run: Run
) -> None:
    for told in (run, waiting(run), run, waiting(run), run.cancel(at=LATER), waiting(run)):
        await tell(storage, told, [])
    await tell(storage, run.complete("x", at=LATER), [a_step(run)])
    events = await read(storage, tenant, run)
    assert [event.type.partition(".")[2] for event in events] == [
        "started",
        "waiting",
        "waiting",
        "cancelled",
    ]


async def test_nothing_is_lost_in_what_an_event_tells(
    storage: Storage, tenant: Tenant, run: Run
) -> None:
    odd = {"a\0": [10**30, 1.5, None, True, "\ud800", "Ω"], "b": {}, "": -0.5}
    step = a_step(
        run,
        name="odd \0",
        iteration=3,
        input=odd,
        logs=("one", "two"),
        usage=Usage(input_tokens=5, output_tokens=7),
        cost_usd=Decimal("0.000000001"),
        model="echo:echo",
    )
    failed = replace(
        step.fail(StepError(code="X", message="y"), at=LATER, output=odd), finished_at=LATER
    )
    ended = run.fail(RunError(code="X", message="y", node_id="n"), at=LATER)
    ended = replace(ended, inputs=odd, output=odd, cost_usd=Decimal("12.5"))
    await tell(storage, ended, [failed])
    events = await read(storage, tenant, run)
    assert events[-2].step == failed
    assert events[-1].run == ended


async def test_events_of_several_runs_are_added_at_once_each_counted_by_itself(
    storage: Storage, tenant: Tenant, stranger: Tenant, run: Run
) -> None:
    other, strange = await added(storage, tenant), await added(storage, stranger)
    over = await added(storage, tenant)
    await tell(storage, run, [a_step(run)])
    await tell(storage, over.cancel(at=LATER), [])
    both = (run, other, strange, over)
    async with storage.open(tenant.id) as uow:
        new = await uow.run_events.append({of.id: told(of, [a_step(of, 1)]) for of in both})
    assert {run_id: [event.sequence for event in some] for run_id, some in new.items()} == {
        run.id: [3],
        other.id: [1, 2],
    }
    assert len(await read(storage, tenant, run)) == 3
    assert list(new[other.id]) == await read(storage, tenant, other)
    assert await read(storage, stranger, strange) == []


async def test_writers_at_once_leave_no_gap(storage: Storage, tenant: Tenant, run: Run) -> None:
    other = await added(storage, tenant)

    async def write(number: int) -> None:
        of = run if number % 2 else other
        async with storage.open(tenant.id) as uow:
            await uow.runs.put_steps([a_step(of, number)])
            await uow.run_events.append({of.id: told(of, [a_step(of, number)])})

    await asyncio.gather(*(write(number) for number in range(20)))
    for one in (run, other):
        events = await read(storage, tenant, one)
        assert [event.sequence for event in events] == list(range(1, 12))


async def test_a_cancellation_and_a_writer_do_not_block_each_other(
    storage: Storage, tenant: Tenant, run: Run
) -> None:
    async def write(number: int) -> None:
        async with storage.open(tenant.id) as uow:
            await uow.runs.put_steps([a_step(run, number)])
            await uow.run_events.append({run.id: told(run, [a_step(run, number)])})

    async def cancel() -> None:
        async with storage.open(tenant.id) as uow:
            cancelled = (await uow.runs.get(run.id)).cancel(at=LATER)
            await uow.runs.advance(cancelled)
            await uow.run_events.append({run.id: told(cancelled, [])})

    work = [write(number) for number in range(10)]
    async with asyncio.timeout(30):
        await asyncio.gather(*work[:5], cancel(), *work[5:])
    events = await read(storage, tenant, run)
    assert [event.sequence for event in events] == list(range(1, len(events) + 1))
    assert events[-1].type is RunEventType.RUN_CANCELLED


async def test_what_is_rolled_back_was_never_told(
    storage: Storage, tenant: Tenant, run: Run
) -> None:
    await tell(storage, run, [])
    with pytest.raises(ZeroDivisionError):
        async with storage.open(tenant.id) as uow:
            await uow.run_events.append({run.id: told(run, [a_step(run)])})
            raise ZeroDivisionError
    await tell(storage, run, [a_step(run, 1)])
    assert [event.sequence for event in await read(storage, tenant, run)] == [1, 2]


async def test_another_workspace_neither_reads_nor_adds(
    storage: Storage, tenant: Tenant, stranger: Tenant, run: Run
) -> None:
    await tell(storage, run, [])
    async with storage.open(stranger.id) as uow:
        assert await uow.run_events.append({run.id: told(run, [a_step(run)])}) == {}
        assert list(await uow.run_events.page(run.id, after=0, limit=9)) == []
    assert len(await read(storage, tenant, run)) == 1


async def test_events_of_no_run_are_dropped(storage: Storage, tenant: Tenant) -> None:
    async with storage.open(tenant.id) as uow:
        for id in (new_id(), "\0", ""):
            gone = a_run(tenant.project, id=id, started_at=START)
            assert await uow.run_events.append({id: told(gone, [])}) == {}
            assert list(await uow.run_events.page(id, after=0, limit=9)) == []


async def test_events_go_with_their_run(storage: Storage, tenant: Tenant, run: Run) -> None:
    other = await added(storage, tenant)
    await tell(storage, run, [a_step(run)])
    await tell(storage, other, [])
    async with storage.open(tenant.id) as uow:
        await uow.runs.remove(run.id)
        assert await uow.run_events.append({run.id: told(run, [])}) == {}
    assert await read(storage, tenant, run) == []
    assert len(await read(storage, tenant, other)) == 1


async def test_what_only_reads_adds_no_event(storage: Storage, tenant: Tenant, run: Run) -> None:
    async with storage.open(tenant.id, reading=True) as uow:
        with pytest.raises(RuntimeError, match="opened for reading"):
            await uow.run_events.append({run.id: told(run, [])})


async def test_steps_of_a_run_that_has_ended_are_not_told_later(
    storage: Storage, tenant: Tenant, run: Run
) -> None:
    ended = run.complete("x", at=LATER)
    async with storage.open(tenant.id) as uow:
        await uow.runs.advance(ended)
    await tell(storage, run, [a_step(run)])
    assert await read(storage, tenant, run) == []
    await tell(storage, ended, [])
    assert [event.type for event in await read(storage, tenant, run)] == [
        RunEventType.RUN_STARTED,
        RunEventType.RUN_COMPLETED,
    ]


@pytest.mark.parametrize("begun", [False, True], ids=["at once", "after a while"])
async def test_a_run_is_written_down_if_it_was_told_of_before_its_end(
    storage: Storage, tenant: Tenant, run: Run, begun: bool
) -> None:
    feed = MemoryRunFeed()
    chronicle = Chronicle(feed, ManualClock())
    ended, step = run.complete("x", at=LATER), a_step(run)
    with feed.subscribe(run.id) as ear:
        async with storage.open(tenant.id) as uow:
            if begun:
                await chronicle.of_steps(uow, run, [step])
            await uow.runs.advance(ended)
            await chronicle.of_run(uow, ended, [step.complete("x", at=LATER)])
        async with asyncio.timeout(5):
            await ear.end()
    events = await read(storage, tenant, run)
    assert [event.sequence for event in events] == ([1, 2, 3, 4] if begun else [])


async def test_a_cancelled_run_is_always_written_down(
    storage: Storage, tenant: Tenant, run: Run
) -> None:
    async with storage.open(tenant.id) as uow:
        await uow.runs.advance(run.cancel(at=LATER))
        await Chronicle(MemoryRunFeed(), ManualClock()).of_run(uow, run.cancel(at=LATER))
    assert len(await read(storage, tenant, run)) == 2


async def test_readers_are_woken_once_it_is_committed(
    storage: Storage, tenant: Tenant, run: Run
) -> None:
    feed = MemoryRunFeed()
    chronicle = Chronicle(feed, ManualClock())
    with feed.subscribe(run.id) as ear:
        heard = asyncio.ensure_future(ear.beyond(0))
        async with storage.open(tenant.id) as uow:
            await chronicle.of_steps(uow, run, [a_step(run)])
            await asyncio.sleep(0)
            assert not heard.done()
        async with asyncio.timeout(5):
            await heard
    assert len(await read(storage, tenant, run)) == 2


def waiting(run: Run) -> Run:
    return replace(run, status=RunStatus.WAITING)


def told(run: Run, steps: Sequence[Step]) -> Sequence[RunEvent]:
    return events_of(run, steps, now=LATER)


async def added(storage: Storage, tenant: Tenant, **changes: Any) -> Run:
    """Store a run that has started."""
    run = a_run(tenant.project, **changes).start(at=START)
    async with storage.open(tenant.id) as uow:
        await uow.runs.add(run)
    return run


async def tell(storage: Storage, run: Run, steps: Sequence[Step]) -> None:
    """Add what a run and its steps tell."""
    async with storage.open(run.workspace_id) as uow:
        await uow.run_events.append({run.id: told(run, steps)})


async def read(storage: Storage, tenant: Tenant, run: Run) -> list[RunEvent]:
    """Return every event of a run."""
    async with storage.open(tenant.id, reading=True) as uow:
        return list(await uow.run_events.page(run.id, after=0, limit=1000))
