"""Conversations: what was said in them, in order, and what goes with what."""

from dataclasses import replace
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
from orbiter.domain.errors import Conflict, NotFound
from orbiter.domain.runs import Run, RunKind, Usage
from support.builders import a_run
from support.clock import START
from support.tenants import Tenant

OLDEST_FIRST = PageRequest(newest_first=False)


async def begun(storage: Storage, tenant: Tenant, **changes: Any) -> Conversation:
    """Return a conversation with the tenant's agent, stored."""
    conversation: Conversation = await tenant.stored(storage, "conversations", **changes)
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
        for after, since in ((0, 4), (3, 1), (4, 0)):
            assert len(await uow.conversations.said_before(run, limit=9, after=after)) == since


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


async def test_they_are_listed_by_agent_and_deployment(
    storage: Storage, tenant: Tenant, stranger: Tenant
) -> None:
    other = await tenant.stored(storage, "agents")
    deployment_id = new_id()
    first = await begun(storage, tenant)
    second = await begun(storage, tenant, agent_id=other.id)
    third = await begun(storage, tenant, agent_id=other.id, deployment_id=deployment_id)
    await begun(storage, stranger)
    async with storage.open(tenant.id, reading=True) as uow:
        for only, expected in (
            (ConversationFilter(), [third, second, first]),
            (ConversationFilter(agent_id=other.id), [third, second]),
            (ConversationFilter(deployment_id=deployment_id), [third]),
            (ConversationFilter(agent_id=tenant.agent.id, deployment_id=deployment_id), []),
            (ConversationFilter(agent_id=stranger.agent.id), []),
            (ConversationFilter(agent_id="\0"), []),
            (ConversationFilter(deployment_id="nonsense"), []),
        ):
            page = await uow.conversations.page(PageRequest(), only)
            assert (list(page.items), page.total) == (expected, len(expected))


async def test_none_is_with_an_agent_that_is_not_there(
    storage: Storage, tenant: Tenant, stranger: Tenant
) -> None:
    for agent_id in (new_id(), stranger.agent.id):
        with pytest.raises(NotFound, match="Agent"):
            await begun(storage, tenant, agent_id=agent_id)


async def test_nothing_is_said_where_there_is_no_conversation(
    storage: Storage, tenant: Tenant, stranger: Tenant
) -> None:
    theirs = await begun(storage, stranger)
    for conversation in (tenant.new("conversations"), replace(theirs, workspace_id=tenant.id)):
        with pytest.raises(NotFound, match="Conversation"):
            await say(storage, conversation, "hello")
    async with storage.open(stranger.id, reading=True) as uow:
        assert (await uow.conversations.messages(theirs.id, OLDEST_FIRST)).total == 0


async def test_a_place_in_a_conversation_is_taken_once(storage: Storage, tenant: Tenant) -> None:
    conversation, other = [await begun(storage, tenant) for _ in range(2)]
    await say(storage, conversation, "one")
    await say(storage, other, "uno")
    with pytest.raises(Conflict):
        await say(storage, conversation, "another one")


async def test_feedback_is_kept_and_taken_back(
    storage: Storage, tenant: Tenant, stranger: Tenant
) -> None:
    conversation, other = [await begun(storage, tenant) for _ in range(2)]
    message = a_message(conversation, 2, "answer")
    async with storage.open(tenant.id) as uow:
        await uow.conversations.add_message(message)
    for feedback in (Feedback(rating=Rating.DOWN, comment="\ud800"), None):
        rated = replace(message, feedback=feedback)
        async with storage.open(tenant.id) as uow:
            await uow.conversations.save_message(rated)
        async with storage.open(tenant.id, reading=True) as uow:
            assert await uow.conversations.message(conversation.id, message.id) == rated
    for workspace_id, place in ((tenant.id, other.id), (stranger.id, conversation.id)):
        async with storage.open(workspace_id, reading=True) as uow:
            with pytest.raises(NotFound):
                await uow.conversations.message(place, message.id)
    async with storage.open(tenant.id) as uow:
        with pytest.raises(NotFound):
            await uow.conversations.save_message(a_message(conversation, 3, "new"))


async def test_whatever_a_model_says_comes_back(storage: Storage, tenant: Tenant) -> None:
    conversation = await begun(storage, tenant)
    odd = ["a\0b", "\ud800", "Ω😀", "x" * 300_000, ""]
    await say(storage, conversation, *odd)
    async with storage.open(tenant.id, reading=True) as uow:
        page = await uow.conversations.messages(conversation.id, OLDEST_FIRST)
        assert [each.content for each in page.items] == odd


async def test_messages_come_page_by_page_in_both_orders(storage: Storage, tenant: Tenant) -> None:
    conversation = await begun(storage, tenant)
    await say(storage, conversation, *map(str, range(12)))
    async with storage.open(tenant.id, reading=True) as uow:
        for newest_first in (False, True):
            request = PageRequest(limit=5, newest_first=newest_first)
            read = list[str]()
            while True:
                page = await uow.conversations.messages(conversation.id, request)
                assert page.total == 12
                read += [each.content for each in page.items]
                if page.next_after is None:
                    break
                request = replace(request, after=page.next_after)
            assert read == sorted(map(str, range(12)), key=int, reverse=newest_first)


async def test_only_what_user_and_assistant_said_is_told_again(
    storage: Storage, tenant: Tenant
) -> None:
    conversation = await begun(storage, tenant)
    roles = (MessageRole.SYSTEM, MessageRole.USER, MessageRole.TOOL, MessageRole.ASSISTANT)
    run = a_run(tenant.project, kind=RunKind.AGENT, conversation_id=conversation.id)
    async with storage.open(tenant.id) as uow:
        for sequence, role in enumerate(roles, 1):
            message = a_message(conversation, sequence, role.value, role=role)
            await uow.conversations.add_message(message)
        asked = a_message(conversation, 5, "now", run_id=run.id)
        await uow.conversations.add_message(asked)
        await uow.conversations.add_message(a_message(conversation, 6, "later", run_id=run.id))
    async with storage.open(tenant.id, reading=True) as uow:
        told = await uow.conversations.said_before(run, limit=10)
        assert [each.content for each in told] == ["user", "assistant"]
        for other in (
            replace(run, id=new_id()),
            replace(run, conversation_id=new_id()),
            replace(run, conversation_id=None),
        ):
            assert list(await uow.conversations.said_before(other, limit=10)) == []
            assert await uow.conversations.answer_of(other) is None
