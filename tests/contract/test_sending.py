"""Sending, answering and deleting at once: one answer at a time, none lost, nobody stuck."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest

from orbiter.adapters.memory.run_feed import MemoryRunFeed
from orbiter.adapters.system.ids import new_id
from orbiter.application.answers import Answers
from orbiter.application.conversations import ConversationHandlers
from orbiter.application.paging import PageRequest
from orbiter.application.ports.repositories import RunFilter
from orbiter.application.ports.storage import Storage
from orbiter.application.run_agent import RunAgent
from orbiter.application.run_endings import RunEndings
from orbiter.application.run_events import Chronicle
from orbiter.application.send_message import SendMessage
from orbiter.application.starting import Starting
from orbiter.application.work import Work
from orbiter.domain.conversations import Conversation, Message
from orbiter.domain.errors import Conflict, NotFound
from orbiter.domain.identity import Actor, Role, permissions_of
from orbiter.domain.runs import Run, RunError, StepError, StepKind, Usage
from support.builders import a_step
from support.clock import START, ManualClock
from support.runs import IdleEngine
from support.tenants import Tenant

AT_ONCE = 50


@dataclass
class Desk:
    """A conversation, and who speaks in it; what is answered is told by hand."""

    storage: Storage
    tenant: Tenant
    conversation: Conversation

    def __post_init__(self) -> None:
        work = Work(self.storage, ManualClock(), new_id)
        feed = MemoryRunFeed()
        starting = Starting(work, IdleEngine(), RunEndings(self.storage, feed))
        self.answers = Answers(work.clock, new_id)
        self.send = SendMessage(work, starting, RunAgent(work, starting))
        self.handlers = ConversationHandlers(work, IdleEngine(), Chronicle(feed, work.clock))
        self.actor = Actor(
            user_id=self.tenant.user.id,
            workspace_id=self.tenant.id,
            role=Role.DEVELOPER,
            permissions=permissions_of(Role.DEVELOPER),
        )

    async def begin(self, content: str = "Hello") -> Run:
        return await self.send.begin(self.actor, self.conversation.id, content)

    async def end(self, run: Run) -> None:
        """Store the end of a run as engines do: the run first."""
        async with self.storage.open(run.workspace_id) as uow:
            if await uow.runs.advance(run):
                await self.answers.of_run(uow, run)

    async def messages(self) -> Sequence[Message]:
        request = PageRequest(limit=100, newest_first=False)
        return (await self.handlers.messages(self.actor, self.conversation.id, request)).items


@pytest.fixture
async def desk(storage: Storage, tenant: Tenant) -> Desk:
    return Desk(storage, tenant, await tenant.stored(storage, "conversations"))


async def test_of_many_at_once_exactly_one_is_accepted(desk: Desk) -> None:
    work = [desk.begin(str(number)) for number in range(AT_ONCE)]
    async with asyncio.timeout(60):
        outcomes = await asyncio.gather(*work, return_exceptions=True)
    (run,) = [each for each in outcomes if isinstance(each, Run)]
    refused = [each for each in outcomes if isinstance(each, Conflict)]
    assert len(refused) == AT_ONCE - 1
    assert {(each.details or {}).get("run_id") for each in refused} == {run.id}
    (message,) = await desk.messages()
    assert (message.run_id, message.content) == (run.id, run.inputs["input"])
    async with desk.storage.open(desk.tenant.id, reading=True) as uow:
        page = await uow.runs.page(PageRequest(), RunFilter())
        assert [each.id for each in page.items] == [run.id]


async def test_an_answer_is_stored_once_with_what_it_took(desk: Desk) -> None:
    run = (await desk.begin()).start(at=START)
    node = a_step(run, 0, name="Desk")
    mine = a_step(run, 1, parent_step_id=node.id, kind=StepKind.TOOL, name="add", input={"a": 1})
    failed = a_step(run, 2, parent_step_id=node.id, kind=StepKind.TOOL, name="sub")
    inner = a_step(run, 3, parent_step_id=mine.id, kind=StepKind.TOOL, name="inner")
    async with desk.storage.open(desk.tenant.id) as uow:
        broken = failed.fail(StepError(code="TIMEOUT", message="too late"), at=START)
        await uow.runs.put_steps([node, mine.complete(3, at=START), broken, inner])
    spent = replace(run, usage=Usage(input_tokens=3, output_tokens=4), cost_usd=None)
    ended = spent.complete({"sum": 3}, at=START)
    for _ in range(2):
        await desk.end(ended)
        async with desk.storage.open(desk.tenant.id) as uow:
            await desk.answers.of_run(uow, ended)
    _, answer = await desk.messages()
    assert (answer.content, answer.run_id) == ('{"sum": 3}', run.id)
    assert (answer.usage, answer.cost_usd) == (spent.usage, None)
    assert [(each.id, each.name, each.output) for each in answer.tool_calls] == [
        (mine.id, "add", 3),
        (failed.id, "sub", {"error": {"code": "TIMEOUT", "message": "too late"}}),
    ]
    assert answer.tool_calls[0].arguments == {"a": 1}
    assert (await desk.send.outcome(desk.actor, run)) == answer
    assert (await desk.begin("next")).conversation_id == desk.conversation.id


async def test_whatever_the_end_the_conversation_goes_on(desk: Desk) -> None:
    for number, end in enumerate(("failed", "cancelled"), 1):
        run = (await desk.begin(str(number))).start(at=START)
        error = RunError(code="X", message="y")
        ended = run.fail(error, at=START) if end == "failed" else run.cancel(at=START)
        await desk.end(ended)
        assert len(await desk.messages()) == number
    assert len(await desk.messages()) == 2
    await desk.begin("at last")


async def test_an_end_and_a_deletion_at_once_leave_neither_stuck(
    storage: Storage, tenant: Tenant
) -> None:
    async def collide(content: str) -> None:
        desk = Desk(storage, tenant, await tenant.stored(storage, "conversations"))
        run = (await desk.begin(content)).start(at=START)
        ended = run.complete("x", at=START)
        await asyncio.gather(
            desk.end(ended), desk.handlers.remove(desk.actor, desk.conversation.id)
        )
        with pytest.raises(NotFound):
            await desk.messages()

    async with asyncio.timeout(60):
        await asyncio.gather(*(collide(str(number)) for number in range(10)))


async def test_messages_and_a_deleted_project_at_once_leave_nobody_stuck(
    desk: Desk,
) -> None:
    async def empty() -> None:
        async with desk.storage.open(desk.tenant.id) as uow:
            await uow.projects.get(desk.tenant.project.id)
            await uow.projects.empty(desk.tenant.project.id)
            await uow.projects.remove(desk.tenant.project.id)

    sending = [desk.begin(str(number)) for number in range(10)]
    async with asyncio.timeout(60):
        outcomes = await asyncio.gather(*sending[:5], empty(), *sending[5:], return_exceptions=True)
    for each in outcomes:
        assert each is None or isinstance(each, Run | Conflict | NotFound), each
    with pytest.raises(NotFound):
        await desk.messages()


async def test_what_is_sent_while_somebody_deletes_goes_too(desk: Desk) -> None:
    work = [desk.begin(str(number)) for number in range(5)]
    remove = desk.handlers.remove(desk.actor, desk.conversation.id)
    async with asyncio.timeout(60):
        outcomes = await asyncio.gather(*work[:2], remove, *work[2:], return_exceptions=True)
    for each in outcomes:
        assert each is None or isinstance(each, Run | Conflict | NotFound), each
    with pytest.raises(NotFound):
        await desk.messages()
    async with desk.storage.open(desk.tenant.id, reading=True) as uow:
        page = await uow.runs.page(PageRequest(), RunFilter())
        assert {each.status for each in page.items} <= {"cancelled"}
