"""Runs from their acceptance to their end."""

import asyncio
from dataclasses import dataclass, field, replace
from typing import TypeVar

import pytest

from orbiter.application.ports.outbound import OutboundAnswer, OutboundRequest
from orbiter.domain.errors import Conflict, Unavailable
from orbiter.domain.runs import Run, RunStatus, StepStatus, Trigger
from orbiter.domain.workflows import WorkflowVersion
from support.clock import START as BEGIN
from support.graphs import Silent, graph, node
from support.plant import DEVELOPER, Plant

START, END = node("start", "start"), node("end", "end")
URL = "http://service.test"
T = TypeVar("T")


@pytest.fixture
async def plant() -> Plant:
    return Plant()


def a_pause(seconds: float = 5) -> WorkflowVersion:
    return graph(
        START, node("wait", "delay", seconds=seconds), END, edges="start > wait, wait > end"
    )


def a_call() -> WorkflowVersion:
    return graph(START, node("call", "http", url=URL), END, edges="start > call, call > end")


async def test_an_accepted_run_is_executed_after_the_commit(plant: Plant) -> None:
    async def work() -> None:
        run = await plant.accepted(a_pause(5), {"n": 1})
        assert run.status is RunStatus.QUEUED
        detail = await plant.ended(run)
        assert (detail.run.status, detail.run.output) == (RunStatus.COMPLETED, {"n": 1})
        assert detail.run.duration_ms == 5000
        assert [step.status.value for step in detail.trace.items] == ["completed"] * 3

    await plant.clock.through(work())


async def test_a_run_whose_acceptance_is_rolled_back_never_runs(plant: Plant) -> None:
    workflow_id = await plant.keep(a_pause())
    async with plant.kept.open(DEVELOPER.workspace_id, reading=True) as uow:
        head = await uow.workflows.get(workflow_id)
    run = Run(
        id="0192f000-0000-7000-8000-00000000000a",
        workspace_id=DEVELOPER.workspace_id,
        workflow_id=workflow_id,
        project_id=head.project_id,
        version=1,
        trigger=Trigger.API,
        queued_at=BEGIN,
    )
    with pytest.raises(RuntimeError):
        async with plant.kept.open(DEVELOPER.workspace_id) as uow:
            await plant.engine.accept(uow, run)
            raise RuntimeError
    await plant.clock.through(plant.engine.stop(1))
    async with plant.kept.open("", reading=True) as uow:
        assert await uow.credentials.unended_runs() == []


async def test_what_is_under_way_can_be_seen(plant: Plant) -> None:
    async def work() -> None:
        run = await plant.accepted(a_pause(4))
        detail = await plant.when(lambda detail: detail.trace.total == 2, run)
        assert detail.run.status is RunStatus.RUNNING
        assert [step.status.value for step in detail.trace.items] == ["completed", "running"]
        assert (plant.clock.now() - BEGIN).total_seconds() < 0.2
        await plant.runs.cancel(DEVELOPER, run.id)

    await plant.clock.through(work())


async def test_who_begins_to_listen_is_told_at_once(plant: Plant) -> None:
    async def work() -> None:
        run = await plant.accepted(a_pause(4))
        await plant.clock.sleep(0.01)
        with plant.feed.subscribe(run.id, speech=True) as ear:
            await ear.beyond(0)
        detail = await plant.detail(run)
        assert (detail.run.status, detail.trace.total) == (RunStatus.RUNNING, 2)
        assert (plant.clock.now() - BEGIN).total_seconds() < 0.02
        await plant.runs.cancel(DEVELOPER, run.id)

    await plant.clock.through(work())


def a_call_then_a_call() -> WorkflowVersion:
    first, second = (node(name, "http", url=f"{URL}/{name}") for name in ("first", "second"))
    return graph(START, first, second, END, edges="start > first, first > second, second > end")


@dataclass
class Once:
    """A service that gives some *answers*, and then falls *silent*."""

    answers: int = 1
    silent: bool = True
    asked: list[str] = field(default_factory=list)

    async def send(self, request: OutboundRequest) -> OutboundAnswer:
        self.asked.append(request.headers["idempotency-key"])
        if self.silent and len(self.asked) > self.answers:
            await asyncio.Event().wait()
        return OutboundAnswer(status=200, headers={}, body=b"")


@dataclass
class Counted:
    """A service that takes a second, and knows how many ask at once."""

    plant: Plant | None = None
    now: int = 0
    most: int = 0
    asked: list[str] = field(default_factory=list)

    async def send(self, request: OutboundRequest) -> OutboundAnswer:
        assert self.plant is not None
        self.now += 1
        self.most = max(self.most, self.now)
        self.asked.append(request.headers["idempotency-key"])
        await self.plant.clock.sleep(1)
        self.now -= 1
        return OutboundAnswer(status=200, headers={}, body=b"")


async def test_no_more_runs_than_allowed_are_executed_at_once_and_the_others_are_queued() -> None:
    service = Counted()
    service.plant = plant = Plant(http=service, concurrency=2)

    async def work() -> None:
        runs = [await plant.accepted(a_call()) for _ in range(5)]
        await plant.when(lambda detail: detail.trace.total == 2, runs[1])
        states = [(await plant.detail(run)).run.status.value for run in runs]
        assert states == ["running", "running", "queued", "queued", "queued"]
        for run in runs:
            assert (await plant.ended(run)).run.status is RunStatus.COMPLETED

    await plant.clock.through(work())
    assert (service.most, len(set(service.asked))) == (2, 5)


@pytest.mark.parametrize("drawn", [a_call(), a_pause(1e6)])
async def test_a_cancelled_run_stops_at_once_and_its_trace_says_so(drawn: WorkflowVersion) -> None:
    plant = Plant(http=Silent())

    async def work() -> None:
        run = await plant.accepted(drawn)
        await plant.when(lambda detail: detail.trace.total == 2, run)
        at = plant.clock.now()
        answer = await plant.runs.cancel(DEVELOPER, run.id)
        assert answer.status is RunStatus.CANCELLED
        detail = await plant.detail(run)
        assert detail.run.status is RunStatus.CANCELLED
        step = detail.trace.items[1]
        assert (step.status, step.error and step.error.code) == (StepStatus.FAILED, "CANCELLED")
        assert (plant.clock.now() - at).total_seconds() < 1

    await plant.clock.through(work())


@pytest.mark.parametrize("killed", [False, True])
async def test_a_cancelled_run_has_spent_what_its_calls_have(killed: bool) -> None:
    plant = Plant(http=Silent())
    ask, call = node("ask", "llm", model="echo:echo", prompt="four"), node("call", "http", url=URL)
    drawn = graph(START, ask, call, END, edges="start > ask, ask > call, call > end")

    async def work() -> None:
        run = await plant.accepted(drawn)
        await plant.when(lambda detail: detail.trace.total == 4, run)
        if killed:
            await plant.killed()
            plant.engine = plant.another_engine()
        await plant.runs.cancel(DEVELOPER, run.id)
        ended = (await plant.detail(run)).run
        assert (ended.status, ended.usage.total_tokens) == (RunStatus.CANCELLED, 2)

    await plant.clock.through(work())


async def test_a_queued_run_can_be_cancelled_and_is_never_begun() -> None:
    service = Counted()
    service.plant = plant = Plant(http=service, concurrency=1)

    async def work() -> None:
        first, second = [await plant.accepted(a_call()) for _ in range(2)]
        await plant.runs.cancel(DEVELOPER, second.id)
        await plant.ended(first)
        await plant.engine.stop(5)
        assert (await plant.detail(second)).run.status is RunStatus.CANCELLED

    await plant.clock.through(work())
    assert len(service.asked) == 1


async def test_a_run_that_has_ended_can_not_be_cancelled(plant: Plant) -> None:
    async def work() -> None:
        run = await plant.accepted(a_pause(0))
        await plant.ended(run)
        with pytest.raises(Conflict):
            await plant.runs.cancel(DEVELOPER, run.id)

    await plant.clock.through(work())


async def test_a_new_process_goes_on_with_what_an_earlier_one_left() -> None:
    service = Once()
    plant = Plant(http=service)

    async def work() -> None:
        run = await plant.accepted(a_call_then_a_call())
        await plant.when(lambda detail: detail.trace.total == 3, run)
        await plant.killed()
        service.silent = False
        plant.engine = plant.another_engine()
        await plant.engine.start()
        detail = await plant.ended(run)
        assert detail.run.status is RunStatus.COMPLETED, detail.run.error
        assert [step.status.value for step in detail.trace.items] == ["completed"] * 4

    await plant.clock.through(work())
    first, second, again = service.asked
    assert first != second == again, "what was recorded ran once, what was in flight ran again"


async def test_a_run_whose_processes_keep_ending_fails() -> None:
    service = Once(answers=0)
    plant = Plant(http=service)

    async def work() -> None:
        run = await plant.accepted(a_call())
        await plant.when(lambda detail: detail.trace.total == 2, run)
        for killed in range(1, 6):
            while len(service.asked) < killed:
                await plant.clock.sleep(0.1)
            await plant.killed()
            plant.engine = plant.another_engine()
            await plant.engine.start()
        detail = await plant.ended(run)
        assert detail.run.error is not None and detail.run.error.code == "CRASHED_REPEATEDLY"
        assert detail.trace.items[1].error is not None

    await plant.clock.through(work())


async def test_a_parked_run_waits_without_a_place_and_counts_no_take_ups() -> None:
    service = Counted()
    service.plant = plant = Plant(http=service, concurrency=1)

    async def work() -> None:
        parked = await plant.accepted(a_pause(1e6))
        await plant.when(lambda detail: detail.run.status is RunStatus.WAITING, parked)
        run = await plant.accepted(a_call())
        assert (await plant.ended(run)).run.status is RunStatus.COMPLETED
        for _ in range(8):
            await plant.engine.stop(0)
            plant.engine = plant.another_engine()
            await plant.engine.start()
        await plant.clock.sleep(1e6)
        detail = await plant.ended(parked)
        assert detail.run.status is RunStatus.COMPLETED
        assert detail.run.duration_ms is not None and 0 <= detail.run.duration_ms - 1e9 < 100

    await plant.clock.through(work())


async def test_a_busy_workspace_leaves_room_for_others() -> None:
    service = Counted()
    service.plant = plant = Plant(http=service)
    plant.engine = plant.another_engine(concurrency=8, workspace_concurrency=2)
    plant.accept_by(plant.engine)

    async def work() -> None:
        runs = [await plant.accepted(a_call()) for _ in range(6)]
        await plant.when(lambda detail: detail.trace.total == 2, runs[1])
        states = [(await plant.detail(run)).run.status.value for run in runs]
        assert states == ["running"] * 2 + ["queued"] * 4
        for run in runs:
            await plant.ended(run)

    await plant.clock.through(work())
    assert service.most == 2


async def test_one_that_does_not_execute_accepts_and_leaves_it_to_others(plant: Plant) -> None:
    async def work() -> None:
        acceptor = plant.another_engine(executes=False)
        await acceptor.start()
        plant.accept_by(acceptor)
        run = await plant.accepted(a_pause(1))
        await plant.clock.sleep(10)
        assert (await plant.detail(run)).run.status is RunStatus.QUEUED
        await plant.engine.start()
        assert (await plant.ended(run)).run.status is RunStatus.COMPLETED

    await plant.clock.through(work())


async def test_of_an_answer_only_the_first_counts(plant: Plant) -> None:
    async def work() -> None:
        run = await plant.accepted(a_pause(1e6))
        await plant.when(lambda detail: detail.run.status is RunStatus.WAITING, run)
        async with plant.kept.open(DEVELOPER.workspace_id) as uow:
            assert await plant.engine.answer(uow, run, "word", 1)
            assert not await plant.engine.answer(uow, run, "word", 2)

    await plant.clock.through(work())


async def test_the_unended_children_of_a_cancelled_run_are_cancelled(plant: Plant) -> None:
    async def work() -> None:
        parent = await plant.accepted(a_pause(1e6))
        child, other = [await plant.accepted(a_pause(1e6)) for _ in range(2)]
        async with plant.kept.open(DEVELOPER.workspace_id) as uow:
            stored = await uow.runs.get(child.id)
            await uow.runs.save(replace(stored, parent_run_id=parent.id))
        await plant.runs.cancel(DEVELOPER, parent.id)
        assert (await plant.detail(child)).run.status is RunStatus.CANCELLED
        assert not (await plant.detail(other)).run.ended

    await plant.clock.through(work())


async def test_a_zombie_stores_nothing_and_begins_nothing() -> None:
    service = Counted()
    service.plant = plant = Plant(http=service)

    async def work() -> None:
        zombie = plant.engine
        run = await plant.accepted(a_call_then_a_call())
        await plant.when(lambda detail: detail.trace.total == 2, run)
        plant.engine = plant.another_engine()
        await plant.engine.start()  # which takes it for the only one
        detail = await plant.ended(run)
        assert detail.run.status is RunStatus.COMPLETED
        await zombie.stop(5)
        assert (await plant.detail(run)) == detail

    await plant.clock.through(work())
    # The first request was in flight twice; the zombie never came to the second.
    assert len(service.asked) == 3 and len(set(service.asked)) == 2


async def test_stopping_lets_runs_end(plant: Plant) -> None:
    async def work() -> None:
        run = await plant.accepted(a_pause(0))
        await plant.engine.stop(10)
        assert (await plant.detail(run)).run.status is RunStatus.COMPLETED

    await plant.clock.through(work())


async def test_stopping_leaves_to_the_next_what_does_not_end() -> None:
    service = Once()
    plant = Plant(http=service)

    async def work() -> None:
        run = await plant.accepted(a_call_then_a_call())
        await plant.when(lambda detail: detail.trace.total == 3, run)
        await plant.engine.stop(0.01)
        detail = await plant.detail(run)
        assert (detail.run.status, detail.trace.items[2].error) == (RunStatus.RUNNING, None)
        with pytest.raises(Unavailable):
            await plant.accepted(a_call())
        service.silent = False
        plant.engine = plant.another_engine()
        await plant.engine.start()
        assert (await plant.ended(run)).run.status is RunStatus.COMPLETED

    await plant.clock.through(work())
    assert len(service.asked) == 3


@pytest.mark.parametrize("failures", [1, 3])
async def test_an_end_is_stored_as_soon_as_storage_is_back(plant: Plant, failures: int) -> None:
    async def work() -> None:
        run = await plant.accepted(a_pause(4))
        await plant.when(lambda detail: detail.trace.total == 2, run)
        await plant.clock.sleep(3)
        plant.storage.trouble = [Unavailable("away")] * failures
        assert (await plant.ended(run)).run.status is RunStatus.COMPLETED
        assert plant.storage.trouble == []

    await plant.clock.through(work())


async def test_a_start_is_stored_as_soon_as_storage_is_back(plant: Plant) -> None:
    async def work() -> None:
        plant.storage.trouble = [Unavailable("away")] * 3
        run = await plant.accepted(a_pause(1))
        detail = await plant.ended(run)
        assert detail.run.status is RunStatus.COMPLETED
        assert detail.trace.total == 3

    await plant.clock.through(work())


async def test_what_can_not_be_stored_ends_the_run_all_the_same(plant: Plant) -> None:
    async def work() -> None:
        run = await plant.accepted(a_pause(4))
        await plant.when(lambda detail: detail.trace.total == 2, run)
        await plant.clock.sleep(3)
        plant.storage.trouble = [ValueError("no such value")]
        detail = await plant.ended(run)
        assert detail.run.error is not None and detail.run.error.code == "INTERNAL_ERROR"
        assert "no such value" not in detail.run.error.message
        assert detail.trace.total == 3

    await plant.clock.through(work())


async def test_a_workflow_that_is_deleted_meanwhile_is_still_run_to_its_end(plant: Plant) -> None:
    async def work() -> None:
        run = await plant.accepted(a_pause(5))
        async with plant.kept.open(DEVELOPER.workspace_id) as uow:
            await uow.workflows.remove(run.workflow_id or "")
        assert (await plant.ended(run)).run.status is RunStatus.COMPLETED

    await plant.clock.through(work())


async def test_a_run_that_is_deleted_meanwhile_stays_deleted(plant: Plant) -> None:
    async def work() -> None:
        run = await plant.accepted(a_pause(5))
        async with plant.kept.open(DEVELOPER.workspace_id) as uow:
            await uow.runs.remove(run.id)
        await plant.engine.stop(10)
        async with plant.kept.open("", reading=True) as uow:
            assert await uow.credentials.unended_runs() == []

    await plant.clock.through(work())
