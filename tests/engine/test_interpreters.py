"""A new version of the interpreter is deployed: the old one's runs are drained."""

from dataclasses import dataclass, field

import pytest

from orbiter.adapters.durable.engine import DurableRunEngine
from orbiter.application.execution.interpreter import INTERPRETER
from orbiter.application.ports.outbound import OutboundAnswer, OutboundRequest
from orbiter.domain.approvals import answer_of
from orbiter.domain.runs import Run, RunStatus
from orbiter.domain.workflows import Retry, WorkflowVersion
from support.clock import START as NOW
from support.graphs import Laboratory, graph, node
from support.plant import DEVELOPER, Plant
from support.power import House

START, END = node("start", "start"), node("end", "end")
TTL = 0.5


@dataclass
class Caller:
    """The way out of one process; it knows for which runs it was taken."""

    runs: list[str] = field(default_factory=list)

    async def send(self, request: OutboundRequest) -> OutboundAnswer:
        self.runs.append(request.headers["idempotency-key"].partition(":")[0])
        return OutboundAnswer(status=200, headers={}, body=b"")


@dataclass
class Process:
    """One process of those that share a storage."""

    engine: DurableRunEngine
    caller: Caller


@dataclass
class Fleet:
    """Processes with interpreters of their own, over one storage."""

    plant: Plant = field(default_factory=Plant)
    running: list[Process] = field(default_factory=list)

    async def join(self, interpreter: int) -> Process:
        caller = Caller()
        lab = Laboratory(http=caller, clock=self.plant.clock)
        engine = self.plant.another_engine(
            executor=lab.executor, shared=True, ttl_seconds=TTL, interpreter=interpreter
        )
        await engine.start()
        self.running.append(process := Process(engine, caller))
        return process

    async def leave(self, process: Process) -> None:
        self.running.remove(process)
        await process.engine.stop(1)

    async def accepted(self, by: Process, drawn: WorkflowVersion) -> Run:
        self.plant.accept_by(by.engine)
        return await self.plant.accepted(drawn)

    async def beaten(self) -> None:
        """Let every process learn who lives."""
        await self.plant.clock.sleep(TTL)

    async def completed(self, *runs: Run) -> None:
        for run in runs:
            assert (await self.plant.ended(run)).run.status is RunStatus.COMPLETED


@pytest.fixture
async def fleet() -> Fleet:
    return Fleet()


def a_call() -> WorkflowVersion:
    call = node("call", "http", url="http://service.test")
    return graph(START, call, END, edges="start > call, call > end")


def a_nap_and_a_call(seconds: float = 60) -> WorkflowVersion:
    nap, call = node("nap", "delay", seconds=seconds), node("call", "http", url="http://x.test")
    return graph(START, nap, call, END, edges="start > nap, nap > call, call > end")


def a_question_and_a_call() -> WorkflowVersion:
    ask, call = node("ask", "approval", message="May I?"), node("call", "http", url="http://x.test")
    no = node("no", "end")
    edges = "start > ask, ask.approved > call, ask.rejected > no, call > end"
    return graph(START, ask, call, END, no, edges=edges)


async def parked(fleet: Fleet, by: Process, drawn: WorkflowVersion) -> Run:
    run = await fleet.accepted(by, drawn)
    await fleet.plant.when(lambda detail: detail.run.status is RunStatus.WAITING, run)
    return run


async def test_old_runs_end_on_the_old_one_and_new_ones_go_to_the_new_one(fleet: Fleet) -> None:
    async def work() -> None:
        old = await fleet.join(1)
        napping = [await parked(fleet, old, a_nap_and_a_call()) for _ in range(3)]
        new = await fleet.join(2)
        await fleet.beaten()
        accepted = [await fleet.accepted(each, a_call()) for each in (old, new) * 3]
        await fleet.completed(*accepted, *napping)
        assert sorted(old.caller.runs) == sorted(run.id for run in napping)
        assert sorted(new.caller.runs) == sorted(run.id for run in accepted)
        for each in (old, new):
            await fleet.leave(each)

    await fleet.plant.clock.through(work())


async def test_an_answer_lets_an_old_run_go_on_at_the_old_one(fleet: Fleet) -> None:
    async def work() -> None:
        old = await fleet.join(1)
        asking = await parked(fleet, old, a_question_and_a_call())
        new = await fleet.join(2)
        await answered(fleet, new, asking)
        await fleet.completed(asking)
        assert (old.caller.runs, new.caller.runs) == ([asking.id], [])
        for each in (new, old):
            await fleet.leave(each)

    await fleet.plant.clock.through(work())


async def test_what_the_old_one_leaves_at_its_stop_ends_on_the_new_one(fleet: Fleet) -> None:
    async def work() -> None:
        old = await fleet.join(1)
        napping = await parked(fleet, old, a_nap_and_a_call())
        asking = await parked(fleet, old, a_question_and_a_call())
        new = await fleet.join(2)
        await fleet.leave(old)
        await answered(fleet, new, asking)
        await fleet.completed(napping, asking)
        assert sorted(new.caller.runs) == sorted([napping.id, asking.id])
        await fleet.leave(new)

    await fleet.plant.clock.through(work())


async def test_the_last_of_several_old_ones_still_drains(fleet: Fleet) -> None:
    async def work() -> None:
        first, second = await fleet.join(1), await fleet.join(1)
        napping = [await parked(fleet, first, a_nap_and_a_call()) for _ in range(2)]
        new = await fleet.join(2)
        await fleet.leave(first)
        await fleet.completed(*napping)
        assert sorted(second.caller.runs) == sorted(run.id for run in napping)
        assert new.caller.runs == []
        for each in (second, new):
            await fleet.leave(each)

    await fleet.plant.clock.through(work())


async def test_once_the_new_one_is_gone_the_old_one_takes_new_runs_again(fleet: Fleet) -> None:
    async def work() -> None:
        old = await fleet.join(1)
        new = await fleet.join(2)
        await fleet.beaten()
        napping = await parked(fleet, new, a_nap_and_a_call())
        await fleet.leave(new)
        await fleet.beaten()
        run = await fleet.accepted(old, a_call())
        await fleet.completed(run, napping)
        assert sorted(old.caller.runs) == sorted([run.id, napping.id])
        await fleet.leave(old)

    await fleet.plant.clock.through(work())


async def answered(fleet: Fleet, by: Process, run: Run) -> None:
    """Let *by* be the process that takes the answer."""
    (ask,) = (step for step in (await fleet.plant.detail(run)).trace.items if step.node_id == "ask")
    async with fleet.plant.kept.open(DEVELOPER.workspace_id) as uow:
        waiting = await uow.runs.get(run.id)
        answer = answer_of("approve", at=NOW, by=DEVELOPER.user_id)
        assert await by.engine.answer(uow, waiting, ask.question, answer)


async def test_the_effects_of_this_version_are_found_under_these_keys() -> None:
    """If this fails, runs that have begun would not find their records: raise INTERPRETER."""
    drawn = graph(
        START,
        node("first", "http", url="http://x.test"),
        node("loop", "loop", items="[1, 2]", retry=Retry(max_attempts=2)),
        node("in", "http", inside="loop", url="http://x.test"),
        node("pause", "delay", inside="loop", seconds=1),
        node("nap", "delay", seconds=60),
        node("race", "merge", join="any"),
        node("say", "notify", channel={"type": "webhook", "url": "http://x.test"}, message="done"),
        END,
        edges="start > first, start > nap, first > race, nap > race, race > loop, "
        "in > pause, loop > say, say > end",
    )
    house = House(Laboratory(http=Caller()), drawn, run_id="0192f000-0000-7000-8000-00000000000a")
    await house.to_the_end()
    keys = sorted(key.partition(":")[2] for key in house.disk.records)
    assert (INTERPRETER, keys) == (
        1,
        [
            "first:0:1",
            "loop/in:0:1",
            "loop/in:1:1",
            "loop/pause:0:1",
            "loop/pause:1:1",
            "nap:0:1",
            "race:0:1",
            "say:0:1",
        ],
    )
