"""Conversations in memory."""

from collections.abc import Iterable, Sequence

from orbiter.adapters.memory.repository import MemoryRepository, page_by, page_of, require
from orbiter.adapters.memory.tables import Tables
from orbiter.application.paging import Page, PageRequest
from orbiter.application.ports.conversations import ConversationFilter
from orbiter.application.ports.models import ChatMessage, ChatRole
from orbiter.domain.conversations import Conversation, Message, MessageRole
from orbiter.domain.errors import Conflict, NotFound
from orbiter.domain.runs import Run

_SAID_BY = (MessageRole.USER, MessageRole.ASSISTANT)


class MemoryConversations(MemoryRepository[Conversation]):
    """Conversations of one workspace."""

    def __init__(self, tables: Tables, workspace_id: str) -> None:
        super().__init__(tables.conversations, workspace_id, "Conversation")
        self._tables = tables

    async def remove(self, entity_id: str) -> None:
        """Delete the conversation and its messages."""
        await super().remove(entity_id)
        self._tables.messages.drop(entity_id)

    async def page(self, request: PageRequest, only: ConversationFilter) -> Page[Conversation]:
        """Return a page of the conversations that match."""
        rows = (
            row
            for row in self._mine()
            if only.agent_id in (None, row.agent_id)
            and only.deployment_id in (None, row.deployment_id)
        )
        return page_of(rows, request)

    async def add_message(self, message: Message) -> None:
        """Store a new message of a conversation of this workspace."""
        self._rows.for_writing()
        if message.workspace_id != self._workspace_id:
            raise ValueError("This Message belongs to another workspace")
        await self.get(message.conversation_id)
        others = self._tables.messages.get(message.conversation_id) or {}
        if message.id in others or message.sequence in (row.sequence for row in others.values()):
            raise Conflict("Message with this id already exists")
        self._tables.messages.put(message.conversation_id, {**others, message.id: message})

    async def message(self, conversation_id: str, message_id: str) -> Message:
        """Return a message or raise NotFound."""
        for message in self._messages(conversation_id):
            if message.id == message_id:
                return message
        raise NotFound("Message")

    async def save_message(self, message: Message) -> None:
        """Overwrite a stored message or raise NotFound."""
        self._rows.for_writing()
        await self.message(message.conversation_id, message.id)
        others = self._tables.messages.get(message.conversation_id) or {}
        self._tables.messages.put(message.conversation_id, {**others, message.id: message})

    async def messages(self, conversation_id: str, request: PageRequest) -> Page[Message]:
        """Return a page of messages, by their sequence."""
        rows = self._messages(conversation_id)
        return page_by(rows, lambda row: row.sequence, request, request.number_after())

    async def answer_of(self, run: Run) -> Message | None:
        """Return what a run has answered in its conversation."""
        return self._of_run(run, MessageRole.ASSISTANT)

    async def said_before(self, run: Run, *, limit: int, after: int = 0) -> Sequence[ChatMessage]:
        """Return what user and assistant said before the message that a run answers."""
        asked = self._of_run(run, MessageRole.USER)
        if asked is None:
            return ()
        said = [
            ChatMessage(role=ChatRole(each.role), content=each.content)
            for each in self._messages(asked.conversation_id)
            if each.role in _SAID_BY and after < each.sequence < asked.sequence
        ]
        return said[-limit:]

    def _of_run(self, run: Run, role: MessageRole) -> Message | None:
        for message in self._messages(run.conversation_id or ""):
            if (message.run_id, message.role) == (run.id, role):
                return message
        return None

    def _messages(self, conversation_id: str) -> Iterable[Message]:
        if self._own(conversation_id) is None:
            return ()
        rows = (self._tables.messages.get(conversation_id) or {}).values()
        return sorted(rows, key=lambda row: row.sequence)

    def _check(self, entity: Conversation) -> None:
        require(self._tables.agents, entity.agent_id, entity.workspace_id, "Agent")


def conversations_of(tables: Tables, agent_ids: Iterable[str]) -> Sequence[Conversation]:
    """Return the conversations with any of these agents."""
    wanted = set(agent_ids)
    return [row for row in tables.conversations.rows() if row.agent_id in wanted]


def drop_conversations(tables: Tables, agent_ids: Iterable[str]) -> None:
    """Delete the conversations with these agents, and what was said in them."""
    for conversation in conversations_of(tables, agent_ids):
        tables.conversations.drop(conversation.id)
        tables.messages.drop(conversation.id)
