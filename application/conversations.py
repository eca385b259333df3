"""Conversation use cases, but for saying something."""

from dataclasses import dataclass
from typing import Unpack

from orbiter.application.paging import Page, PageRequest
from orbiter.application.ports.conversations import ConversationFilter
from orbiter.application.ports.execution import RunEngine
from orbiter.application.ports.storage import UnitOfWork
from orbiter.application.run_events import Chronicle
from orbiter.application.work import Work
from orbiter.domain.conversations import (
    Conversation,
    ConversationChanges,
    FeedbackChanges,
    Message,
)
from orbiter.domain.errors import Invalid, NotFound
from orbiter.domain.identity import Actor, Permission


@dataclass(frozen=True, slots=True)
class ConversationHandlers:
    """What an actor may do with conversations and what was said in them."""

    work: Work
    engine: RunEngine
    chronicle: Chronicle

    async def create(
        self, actor: Actor, *, agent_id: str, title: str | None = None
    ) -> Conversation:
        """Begin a conversation with an agent; raise Invalid unless it is the workspace's."""
        now = self.work.clock.now()
        async with self.work(actor, Permission.CONVERSATIONS_WRITE) as uow:
            if not await uow.agents.known([agent_id]):
                raise Invalid.field("agent_id", "Agent not found")
            conversation = Conversation(
                id=self.work.new_id(),
                workspace_id=actor.workspace_id,
                agent_id=agent_id,
                title=title,
                created_by=actor.user_id,
                created_at=now,
                updated_at=now,
            )
            await uow.conversations.add(conversation)
            await self.work.audit(uow, actor, "conversation.created", conversation.id)
        return conversation

    async def get(self, actor: Actor, conversation_id: str) -> Conversation:
        """Return a conversation."""
        async with self.work(actor, Permission.CONVERSATIONS_READ) as uow:
            return await uow.conversations.get(conversation_id)

    async def page(
        self, actor: Actor, request: PageRequest, only: ConversationFilter
    ) -> Page[Conversation]:
        """Return a page of the conversations that match."""
        async with self.work(actor, Permission.CONVERSATIONS_READ) as uow:
            return await uow.conversations.page(request, only)

    async def revise(
        self, actor: Actor, conversation_id: str, **changes: Unpack[ConversationChanges]
    ) -> Conversation:
        """Change the fields given."""
        async with self.work(actor, Permission.CONVERSATIONS_WRITE) as uow:
            kept = await uow.conversations.get(conversation_id)
            conversation = kept.revise(at=self.work.clock.now(), **changes)
            await uow.conversations.save(conversation)
            await self.work.audit(uow, actor, "conversation.updated", conversation_id)
        return conversation

    async def remove(self, actor: Actor, conversation_id: str) -> None:
        """Delete a conversation and what was said in it; what is being answered is cancelled."""
        while not await self._removed(actor, conversation_id):
            pass

    async def messages(
        self, actor: Actor, conversation_id: str, request: PageRequest
    ) -> Page[Message]:
        """Return a page of what was said."""
        async with self.work(actor, Permission.CONVERSATIONS_READ) as uow:
            await uow.conversations.get(conversation_id)
            return await uow.conversations.messages(conversation_id, request)

    async def rate(
        self,
        actor: Actor,
        conversation_id: str,
        message_id: str,
        **changes: Unpack[FeedbackChanges],
    ) -> Message:
        """Change the fields given of what is said of an answer; no rating takes it back."""
        async with self.work(actor, Permission.CONVERSATIONS_WRITE) as uow:
            kept = await uow.conversations.message(conversation_id, message_id)
            message = kept.rate(**changes)
            await uow.conversations.save_message(message)
            await self.work.audit(uow, actor, "conversation.rated", conversation_id)
        return message

    async def _removed(self, actor: Actor, conversation_id: str) -> bool:
        """Say whether it was done; not when somebody has just said something."""
        async with self.work(actor, Permission.CONVERSATIONS_WRITE, reading=True) as uow:
            busy_with = (await uow.conversations.get(conversation_id)).busy_run_id
        async with self.work(actor, Permission.CONVERSATIONS_WRITE) as uow:
            # First the run, then the conversation, as whoever stores its answer takes them.
            if busy_with is not None:
                await self._cancel(uow, actor, busy_with)
            conversation = await uow.conversations.get(conversation_id)
            if conversation.busy_run_id not in (None, busy_with):
                return False
            await uow.conversations.remove(conversation_id)
            await self.work.audit(uow, actor, "conversation.deleted", conversation_id)
        return True

    async def _cancel(self, uow: UnitOfWork, actor: Actor, run_id: str) -> None:
        try:
            run = await uow.runs.get(run_id)
        except NotFound:
            return
        if not run.ended:
            cancelled = run.cancel(at=self.work.clock.now())
            await uow.runs.advance(cancelled)
            await self.engine.cancel(uow, cancelled)
            await self.chronicle.of_run(uow, cancelled)
            await self.work.audit(uow, actor, "run.cancelled", run_id)
