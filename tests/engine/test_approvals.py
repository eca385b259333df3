"""Nodes that ask somebody, and runs that wait for the answer without a process."""

import asyncio
import gc
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from orbiter.application.execution.executor import Executor
from orbiter.application.ports.notifications import Notice
from orbiter.domain.approvals import answer_of
from orbiter.domain.notifications import NotificationKind
from orbiter.domain.runs import Run, RunStatus, StepStatus
from orbiter.domain.workflows import OnError, Retry, WorkflowVersion
from support.clock import START as NOW
from support.graphs import Laboratory, graph, node
from support.members import Members
from support.power import House, Process

START, END = node("start", "start"), node("end", "end")
YES = answer_of("approve", at=NOW, by="somebody", comment="fine")
NO = answer_of("reject", at=NOW, by="somebody")


def asking(**config: Any) -> WorkflowVersion:
    common = {"retry", "timeout", "on_error"}
    settings = {name: config.pop(name) for name in common & config.keys()}
    return graph(
        START,
        node("ask", "approval", message="May {{ inputs.name }}?", **config, **settings),
        node("yes", "end", output="{{ nodes.ask.output }}"),
        node("no", "end", output="no"),
        edges="start > ask, ask.approved > yes, ask.rejected > no",
    )


def house(drawn: WorkflowVersion, **inputs: Any) -> House:
    return House(Laboratory(), drawn, inputs={"name": "Ada", **inputs})


async def test_it_waits_without_a_process_until_it_is_answered() -> None:
    asked = house(asking())
    segment = await asked.segment()
    assert segment is not None and segment.wake_at is None
    assert segment.run.status is RunStatus.WAITING
    step = asked.traced().one("ask")
    assert (step.status, step.input) == (
        StepStatus.WAITING,
        {"message": "May Ada?", "fields": None},
    )
    for _ in range(3):
        again = await asked.segment()
        assert again is not None and again.run.status is RunStatus.WAITING
    assert asked.traced().one("ask") == step
    asked.answer("ask", YES)
    traced = await asked.to_the_end()
    assert traced.output == YES
    assert traced.one("ask").started_at == step.started_at
    assert [each.node_id for each in traced.steps] == ["start", "ask", "yes", "no"]


@pytest.mark.parametrize(
    ("then", "output"), [("approve", None), ("reject", "no"), ("fail", None), (None, None)]
)
async def test_silence_decides_as_its_settings_say(then: str | None, output: str | None) -> None:
    asked = house(asking(timeout_seconds=3600, on_timeout=then))
    segment = await asked.segment()
    assert segment is not None and segment.wake_at == NOW + timedelta(hours=1)
    traced = await asked.to_the_end()
    if then == "approve":
        assert traced.output["decision"] == "approve"
        assert traced.output["decided_at"] == "2026-11-25T10:30:00.000Z"
        assert traced.output["decided_by"] is None
    elif then == "reject":
        assert traced.output == output
    else:
        assert traced.failure == ("TIMEOUT", "ask")
    asked.answer("ask", YES)
    assert asked.run.status is not RunStatus.WAITING


async def test_an_answer_that_came_before_the_time_was_over_counts() -> None:
    asked = house(asking(timeout_seconds=60, on_timeout="approve"))
    await asked.segment()
    asked.answer("ask", NO)
    asked.lab.clock.advance_to(NOW + timedelta(days=1))
    assert (await asked.to_the_end()).output == "no"


async def test_the_bound_of_an_attempt_fails_it_and_another_one_asks_anew() -> None:
    asked = house(asking(timeout=60, retry=Retry(max_attempts=2, backoff_seconds=0)))
    await asked.segment()
    asked.lab.clock.advance_to(NOW + timedelta(minutes=1))
    segment = await asked.segment()
    assert segment is not None and segment.wake_at == NOW + timedelta(minutes=2)
    asked.answer("ask", YES)
    traced = await asked.to_the_end()
    assert traced.output == YES
    assert traced.one("ask").attempt == 2


async def test_a_failure_can_be_caught() -> None:
    asked = house(asking(timeout_seconds=60, on_error=OnError.CONTINUE))
    assert (await asked.to_the_end()).output == "no"


async def test_everything_else_goes_on_while_it_waits() -> None:
    drawn = graph(
        START,
        node("ask", "approval", message="?"),
        node("wait", "delay", seconds=2),
        node("other", "template", template="done"),
        node("both", "merge"),
        END,
        edges="""
            start > ask, ask.approved > both,
            start > wait, wait > other, other > both, both > end
        """,
    )
    asked = house(drawn)
    await asked.segment()
    assert asked.traced().one("other").status is StepStatus.COMPLETED
    asked.answer("ask", YES)
    assert (await asked.to_the_end()).output == {"ask": YES, "other": "done"}
    assert asked.traced().one("wait").duration_ms == 2000


async def test_a_failure_elsewhere_ends_the_run_and_what_waits() -> None:
    drawn = graph(
        START,
        node("ask", "approval", message="?"),
        node("wait", "delay", seconds=2),
        node("fail", "template", template="{{ 1 / 0 }}"),
        END,
        edges="start > ask, start > wait, wait > fail, ask.approved > end, fail > end",
    )
    asked = house(drawn)
    traced = await asked.to_the_end()
    assert traced.failure == ("TEMPLATE_ERROR", "fail")
    ask = traced.one("ask")
    assert ask.status is StepStatus.FAILED and ask.error is not None
    assert ask.error.code == "CANCELLED"


async def test_a_race_that_is_won_is_not_waited_for() -> None:
    drawn = graph(
        START,
        node("ask", "approval", message="?"),
        node("wait", "delay", seconds=2),
        node("first", "merge", join="any"),
        END,
        edges="start > ask, start > wait, ask.approved > first, wait > first, first > end",
    )
    traced = await house(drawn, n=1).to_the_end()
    assert traced.output == {"name": "Ada", "n": 1}
    assert traced.one("ask").status is StepStatus.SKIPPED


@pytest.mark.parametrize(("concurrency", "at_once"), [(1, 1), (2, 2), (5, 3)])
async def test_in_a_loop_as_many_wait_as_may_run_at_once(concurrency: int, at_once: int) -> None:
    drawn = graph(
        START,
        node("loop", "loop", items="[1, 2, 3]", concurrency=concurrency),
        node("ask", "approval", inside="loop", message="{{ item }}?"),
        END,
        edges="start > loop, loop > end",
    )
    asked = house(drawn)
    await asked.segment()
    waiting = asked.traced().nodes(StepStatus.WAITING)
    assert waiting == {"loop", "ask"}
    assert len(asked.traced().of("ask")) == at_once
    answered = 0
    while not asked.run.ended:
        asked.answer("ask", YES)
        answered += 1
        await asked.segment()
    assert answered == {1: 3, 2: 2, 5: 1}[concurrency]
    steps = asked.traced().of("ask")
    assert [step.iteration for step in steps] == [0, 1, 2]
    assert {step.status for step in steps} == {StepStatus.COMPLETED}


async def test_a_loop_that_is_tried_again_asks_again() -> None:
    drawn = graph(
        START,
        node("loop", "loop", items="[1]", retry=Retry(max_attempts=2, backoff_seconds=60)),
        node("ask", "approval", inside="loop", message="?"),
        node("check", "template", inside="loop", template="{{ 1 / 0 }}"),
        END,
        edges="start > loop, ask.approved > check, loop > end",
    )
    asked = house(drawn)
    for _ in range(2):
        await asked.segment()
        (step,) = asked.traced().of("ask")
        assert step.status is StepStatus.WAITING
        asked.answer("ask", YES)
        segment = await asked.segment()
        assert segment is not None
        if segment.wake_at is not None:
            asked.lab.clock.advance_to(segment.wake_at)
    traced = asked.traced()
    assert traced.failure == ("TEMPLATE_ERROR", "check")
    assert traced.one("loop").attempt == 2
    assert len({each.question for each in traced.steps}) == len(traced.steps)


async def test_a_loop_that_takes_too_long_waits_no_more() -> None:
    drawn = graph(
        START,
        node("loop", "loop", items="[1, 2]", concurrency=2, timeout=60),
        node("ask", "approval", inside="loop", message="?"),
        END,
        edges="start > loop, loop > end",
    )
    asked = house(drawn)
    segment = await asked.segment()
    assert segment is not None and segment.wake_at == NOW + timedelta(minutes=1)
    traced = await asked.to_the_end()
    assert traced.failure == ("TIMEOUT", "loop")
    assert not traced.nodes(StepStatus.WAITING)


async def test_a_thousand_that_wait_hold_nothing() -> None:
    drawn = asking()
    lab = Laboratory()
    before = len(asyncio.all_tasks())
    for _ in range(1000):
        await House(lab, drawn, inputs={"name": "Ada"}).segment()
    gc.collect()
    assert len(asyncio.all_tasks()) == before
    assert lab.clock.asleep == 0


async def test_who_may_answer_is_told_once_when_it_begins_to_wait() -> None:
    members, lab = Members(), Laboratory()
    asked = await members.house(lab, asking(), name="Ada")
    await asked.segment()
    (told,) = await members.told(lab.kept, members.developer)
    assert (told.kind, told.title) == (NotificationKind.APPROVAL, "Pass: ask")
    assert (told.message, told.read, told.created_at) == ("May Ada?", False, NOW)
    step = asked.traced().one("ask")
    assert (told.run_id, told.step_id) == (asked.run.id, step.id)
    assert told.workflow_id == asked.graph.workflow_id
    lab.clock.advance_to(NOW + timedelta(days=1))
    await asked.segment()
    assert await members.told(lab.kept, members.developer) == [told]
    assert len(await members.told(lab.kept, members.admin)) == 1
    assert await members.told(lab.kept, members.viewer) == []
    assert await members.told(lab.kept, members.invited) == []
    asked.answer("ask", YES)
    assert (await asked.to_the_end()).output == YES


@pytest.mark.parametrize("lives", [(1,), (2,), (1, 1), (2, 1)])
async def test_who_was_told_is_not_told_again_by_the_next_process(lives: tuple[int, ...]) -> None:
    members, lab = Members(), Laboratory()
    asked = await members.house(lab, asking(), name="Ada")
    for each in lives:
        await asked.segment(each, lost=3)
    await asked.segment()
    assert len(await members.told(lab.kept, members.developer)) == 1
    notice = next(key for key in asked.disk.records if key.endswith(":notice"))
    del asked.disk.records[notice]
    await asked.segment()
    assert len(await members.told(lab.kept, members.developer)) == 1


async def test_whoever_is_told_can_answer_at_once() -> None:
    members, lab = Members(), Laboratory()
    drawn = asking()
    statuses: list[StepStatus] = []
    asked = await members.house(lab, drawn, name="Ada")

    class Watched:
        async def send(self, run: Run, notice: Notice) -> int:
            process.end()
            statuses.append(asked.traced().one("ask").status)
            return 0

    process = Process(asked.disk, lab.clock)
    executor = Executor(replace(lab.world, notices=Watched()), lab.limits, lab.processor)
    running = asked.run.start(at=NOW)
    await lab.clock.through(executor.execute(running, drawn, process, process))
    assert statuses == [StepStatus.WAITING]
    assert [each.status for each in process.written if each.node_id == "ask"] == [
        StepStatus.RUNNING,
        StepStatus.WAITING,
    ]


async def test_each_question_is_told_of_its_own() -> None:
    members, lab = Members(), Laboratory()
    asked = await members.house(
        lab, asking(timeout=60, retry=Retry(max_attempts=2, backoff_seconds=0)), name="Ada"
    )
    await asked.segment()
    lab.clock.advance_to(NOW + timedelta(minutes=1))
    await asked.segment()
    told = await members.told(lab.kept, members.developer)
    assert [each.created_at for each in told] == [NOW + timedelta(minutes=1), NOW]


async def test_in_a_loop_each_turn_is_told_of() -> None:
    drawn = graph(
        START,
        node("loop", "loop", items="[1, 2, 3]", concurrency=3),
        node("ask", "approval", inside="loop", message="{{ item }}?"),
        END,
        edges="start > loop, loop > end",
    )
    members, lab = Members(), Laboratory()
    asked = await members.house(lab, drawn)
    for _ in range(2):
        await asked.segment()
    told = await members.told(lab.kept, members.developer)
    assert {each.message for each in told} == {"1?", "2?", "3?"}
    assert {each.step_id for each in told} == {each.id for each in asked.traced().of("ask")}


async def test_what_is_answered_by_time_before_it_waits_asks_nobody() -> None:
    members, lab = Members(), Laboratory()
    asked = await members.house(lab, asking(timeout_seconds=60, on_timeout="reject"), name="Ada")
    await asked.segment(1)
    lab.clock.advance_to(NOW + timedelta(hours=1))
    assert (await asked.to_the_end()).output == "no"
    assert await members.told(lab.kept, members.developer) == []
