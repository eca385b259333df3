"""Conversations: what was said in them, in order, and what goes with what."""

from decimal import Decimal
from typing import Any

import pytest

from orbiter.adapters.system.ids import new_id
from orbiter.application.paging import PageRequest
from orbiter.application.ports.conversations import ConversationFilter
from orbiter.application.ports.storage import Storage
from orbiter.domain.conversations import (
    Conversation,
    Feedback,
    MadeCall,
    Message,
    MessageRole,
    Rating,
)
from orbiter.domain.errors import NotFound
from orbiter.domain.runs import Run, RunKind, Usage
from support.builders import a_run
from support.clock import START
from support.tenants import Tenant

OLDEST_FIRST = PageRequest(newest_first=False)


async def begun(storage: Storage, tenant: Tenant) -> Conversation:
    """Return a conversation with one of the tenant's agents, stored."""
    agent = await tenant.stored(storage, "agents")
    conversation = Conversation(
        id=new_id(),
        workspace_id=tenant.id,
        agent_id=agent.id,
        created_by=agent.created_by,
        created_at=START,
        updated_at=START,
    )
    async with storage.open(tenant.id) as uow:
        await uow.conversations.add(conversation)
    return conversation


def a_message(conversation: Conversation, sequence: int, text: str, **more: Any) -> Message:
    given = {
        "id": new_id(),
        "workspace_id": conversation.workspace_id,
        "conversation_id": conversation.id,
        "sequence": sequence,
        "role": MessageRole.USER if sequence % 2 else MessageRole.ASSISTANT,
        "content": text,
        "created_at": START,
    }
    return Message(**{**given, **more})


async def say(storage: Storage, conversation: Conversation, *texts: str, **more: Any) -> None:
    async with storage.open(conversation.workspace_id) as uow:
        for sequence, text in enumerate(texts, 1):
            await uow.conversations.add_message(a_message(conversation, sequence, text, **more))


async def test_messages_come_back_equal_and_in_order(storage: Storage, tenant: Tenant) -> None:
    conversation = await begun(storage, tenant)
    call = MadeCall(id=new_id(), name="add", arguments={"a": 1}, output=[1, "x"])
    said = [
        a_message(conversation, 1, "hi there"),
        a_message(
            conversation,
            2,
            "hello",
            tool_calls=(call,),
            usage=Usage(input_tokens=3, output_tokens=4),
            cost_usd=Decimal("0.000000001"),
            run_id=new_id(),
            feedback=Feedback(rating=Rating.UP, comment="fine"),
        ),
    ]
    async with storage.open(tenant.id) as uow:
        for message in said:
            await uow.conversations.add_message(message)
    async with storage.open(tenant.id, reading=True) as uow:
        page = await uow.conversations.messages(conversation.id, OLDEST_FIRST)
        assert (list(page.items), page.total) == (said, 2)
        assert await uow.conversations.message(conversation.id, said[1].id) == said[1]
        with pytest.raises(NotFound):
            await uow.conversations.message(conversation.id, new_id())


async def test_what_was_said_before_a_message_is_told_up_to_a_limit(
    storage: Storage, tenant: Tenant
) -> None:
    conversation = await begun(storage, tenant)
    run = a_run(tenant.project, kind=RunKind.AGENT, conversation_id=conversation.id)
    await say(storage, conversation, "one", "two", "three", "four")
    async with storage.open(tenant.id) as uow:
        await uow.runs.add(run)
        asked = a_message(conversation, 5, "five", run_id=run.id)
        await uow.conversations.add_message(asked)
    async with storage.open(tenant.id, reading=True) as uow:
        told = await uow.conversations.said_before(run, limit=1000)
        assert [(each.role.value, each.content) for each in told] == [
            ("user", "one"),
            ("assistant", "two"),
            ("user", "three"),
            ("assistant", "four"),
        ]
        few = await uow.conversations.said_before(run, limit=2)
        assert [each.content for each in few] == ["three", "four"]


async def test_a_run_has_one_answer(storage: Storage, tenant: Tenant) -> None:
    conversation = await begun(storage, tenant)
    run = a_run(tenant.project, kind=RunKind.AGENT, conversation_id=conversation.id)
    await say(storage, conversation, "question", run_id=run.id)
    async with storage.open(tenant.id) as uow:
        assert await uow.conversations.answer_of(run) is None
        answer = a_message(conversation, 2, "answer", run_id=run.id)
        await uow.conversations.add_message(answer)
        assert await uow.conversations.answer_of(run) == answer


async def test_another_workspace_cannot_see_it(
    storage: Storage, tenant: Tenant, stranger: Tenant
) -> None:
    conversation = await begun(storage, tenant)
    await say(storage, conversation, "secret")
    async with storage.open(stranger.id, reading=True) as uow:
        with pytest.raises(NotFound):
            await uow.conversations.get(conversation.id)
        assert not (await uow.conversations.messages(conversation.id, OLDEST_FIRST)).items
        only = ConversationFilter(agent_id=conversation.agent_id)
        assert not (await uow.conversations.page(PageRequest(), only)).items


@pytest.mark.parametrize("gone", ["conversations", "agents", "projects"])
async def test_it_goes_with_its_agent_and_project(
    storage: Storage, tenant: Tenant, gone: str
) -> None:
    conversation = await begun(storage, tenant)
    await say(storage, conversation, "hi")
    async with storage.open(tenant.id) as uow:
        agent = await uow.agents.get(conversation.agent_id)
        ids = {
            "conversations": conversation.id,
            "agents": agent.id,
            "projects": agent.project_id,
        }
        await getattr(uow, gone).remove(ids[gone])
    async with storage.open(tenant.id, reading=True) as uow:
        with pytest.raises(NotFound):
            await uow.conversations.get(conversation.id)
        assert not (await uow.conversations.messages(conversation.id, OLDEST_FIRST)).items


async def test_what_was_said_stays_when_its_run_goes(storage: Storage, tenant: Tenant) -> None:
    conversation = await begun(storage, tenant)
    run: Run = a_run(tenant.project, kind=RunKind.AGENT, conversation_id=conversation.id)
    async with storage.open(tenant.id) as uow:
        await uow.runs.add(run)
    await say(storage, conversation, "hi", run_id=run.id)
    async with storage.open(tenant.id) as uow:
        await uow.runs.remove(run.id)
    async with storage.open(tenant.id, reading=True) as uow:
        page = await uow.conversations.messages(conversation.id, OLDEST_FIRST)
        assert [each.content for each in page.items] == ["hi"]
