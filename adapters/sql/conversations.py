"""Conversations in SQL."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import BigInteger, Column, Index, String, Table, bindparam, select

from orbiter.adapters.sql.agents import agents
from orbiter.adapters.sql.columns import Id, Instant, Json, Money, OneOf
from orbiter.adapters.sql.failures import conflict
from orbiter.adapters.sql.metadata import metadata
from orbiter.adapters.sql.pages import Pages, pages_of
from orbiter.adapters.sql.references import belongs_to
from orbiter.adapters.sql.repository import Mapped, SqlRepository, Statements
from orbiter.adapters.sql.transactions import Transaction
from orbiter.application.paging import Page, PageRequest
from orbiter.application.ports.conversations import ConversationFilter
from orbiter.application.ports.models import ChatMessage, ChatRole
from orbiter.domain.checks import is_id
from orbiter.domain.conversations import (
    TITLE_MAX,
    Conversation,
    Feedback,
    MadeCall,
    Message,
    MessageRole,
    Rating,
    Summary,
)
from orbiter.domain.errors import NotFound
from orbiter.domain.runs import Run, Usage

conversations: Final = Table(
    "conversations",
    metadata,
    Column("id", Id, primary_key=True),
    Column("workspace_id", Id, nullable=False),
    Column("agent_id", Id, nullable=False),
    Column("deployment_id", Id),
    Column("title", String(TITLE_MAX)),
    Column("message_count", BigInteger, nullable=False),
    Column("busy_run_id", Id),
    Column("summary", Json),
    Column("created_by", Id, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    belongs_to("agents", "agent_id", "Agent"),
    # Unique, because messages refer to both: so they lie in the same workspace.
    Index("ix_conversations_workspace_id_id", "workspace_id", "id", unique=True),
    Index(None, "workspace_id", "agent_id", "id"),
    Index(None, "workspace_id", "deployment_id", "id"),
)

messages: Final = Table(
    "messages",
    metadata,
    Column("id", Id, primary_key=True),
    Column("workspace_id", Id, nullable=False),
    Column("conversation_id", Id, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("role", OneOf(MessageRole), nullable=False),
    Column("content", Json, nullable=False),  # models say what text does not hold
    Column("tool_calls", Json, nullable=False),
    Column("citations", Json, nullable=False),
    Column("input_tokens", BigInteger),
    Column("output_tokens", BigInteger),
    Column("cost_usd", Money),
    Column("run_id", Id),
    Column("feedback", Json, nullable=False),
    Column("created_at", Instant, nullable=False),
    belongs_to("conversations", "conversation_id", "Conversation"),
    Index(
        "uq_messages_conversation_id_sequence",
        "workspace_id",
        "conversation_id",
        "sequence",
        unique=True,
        info=conflict("Message with this id already exists"),
    ),
    Index(None, "run_id"),
)


def _conversation(*, summary: Mapping[str, Any] | None, **rest: Any) -> Conversation:
    return Conversation(summary=None if summary is None else Summary(**summary), **rest)


def _message(
    *,
    tool_calls: Sequence[Mapping[str, Any]],
    citations: Sequence[Any],
    input_tokens: int | None,
    output_tokens: int | None,
    feedback: Mapping[str, Any] | None,
    **rest: Any,
) -> Message:
    usage = None
    if input_tokens is not None and output_tokens is not None:
        usage = Usage(input_tokens=input_tokens, output_tokens=output_tokens)
    given = None
    if feedback is not None:
        given = Feedback(rating=Rating(feedback["rating"]), comment=feedback["comment"])
    return Message(
        tool_calls=tuple(MadeCall(**each) for each in tool_calls),
        citations=tuple(citations),
        usage=usage,
        feedback=given,
        **rest,
    )


def _spent(message: Message) -> Mapping[str, Any]:
    usage = message.usage
    return {
        "input_tokens": None if usage is None else usage.input_tokens,
        "output_tokens": None if usage is None else usage.output_tokens,
    }


CONVERSATIONS: Final = Mapped(conversations, _conversation)
MESSAGES: Final = Mapped(messages, _message, derived=_spent)

OF_PROJECT: Final = (
    select(conversations.c.id)
    .join(agents, agents.c.id == conversations.c.agent_id)
    .where(
        agents.c.workspace_id == bindparam("mine"),
        agents.c.project_id == bindparam("the_id"),
    )
)

_STATEMENTS: Final = Statements(CONVERSATIONS, "Conversation")
_MESSAGE_STATEMENTS: Final = Statements(MESSAGES, "Message")
_PAGES: Final = pages_of(CONVERSATIONS, "agent_id", "deployment_id")
_HERE: Final = (
    messages.c.workspace_id == bindparam("mine"),
    messages.c.conversation_id == bindparam("the_id"),
)
_MESSAGE_PAGES: Final = Pages(
    MESSAGES,
    messages.c.sequence,
    {"mine": _HERE[0], "the_id": _HERE[1]},
    ids=frozenset({"the_id"}),
)
_OF_RUN: Final = (
    *_HERE,
    messages.c.run_id == bindparam("the_run"),
    messages.c.role == bindparam("the_role", type_=messages.c.role.type),
)
_BY_RUN: Final = select(*MESSAGES.columns).where(*_OF_RUN)
_ASKED: Final = messages.alias("asked")
_SAID_BEFORE: Final = (
    select(messages.c.role, messages.c.content)
    .join(
        _ASKED,
        (_ASKED.c.conversation_id == messages.c.conversation_id)
        & (_ASKED.c.sequence > messages.c.sequence),
    )
    .where(
        *_HERE,
        messages.c.role.in_([MessageRole.USER, MessageRole.ASSISTANT]),
        messages.c.sequence > bindparam("after"),
        _ASKED.c.workspace_id == bindparam("mine"),
        _ASKED.c.run_id == bindparam("the_run"),
        _ASKED.c.role == MessageRole.USER,
    )
    .order_by(messages.c.sequence.desc())
    .limit(bindparam("size"))
)


class SqlConversations(SqlRepository[Conversation]):
    """Conversations of one workspace."""

    def __init__(self, transaction: Transaction, workspace_id: str) -> None:
        super().__init__(_STATEMENTS, transaction, workspace_id)
        self._messages = SqlRepository(_MESSAGE_STATEMENTS, transaction, workspace_id)

    async def page(self, request: PageRequest, only: ConversationFilter) -> Page[Conversation]:
        """Return a page of the conversations that match."""
        wanted = {
            "mine": self._workspace_id,
            "agent_id": only.agent_id,
            "deployment_id": only.deployment_id,
        }
        return await _PAGES.page(self._transaction, wanted, request, request.id_after())

    async def add_message(self, message: Message) -> None:
        """Store a new message of a conversation of this workspace."""
        await self._messages.add(message)

    async def message(self, conversation_id: str, message_id: str) -> Message:
        """Return a message or raise NotFound."""
        message = await self._messages.get(message_id)
        if message.conversation_id != conversation_id:
            raise NotFound("Message")
        return message

    async def save_message(self, message: Message) -> None:
        """Overwrite a stored message or raise NotFound."""
        await self._messages.save(message)

    async def messages(self, conversation_id: str, request: PageRequest) -> Page[Message]:
        """Return a page of messages, by their sequence."""
        which = self._which(conversation_id)
        return await _MESSAGE_PAGES.page(self._transaction, which, request, request.number_after())

    async def answer_of(self, run: Run) -> Message | None:
        """Return what a run has answered in its conversation."""
        if run.conversation_id is None or not is_id(run.conversation_id):
            return None
        which = self._which(run.conversation_id)
        wanted = {**which, "the_run": run.id, "the_role": MessageRole.ASSISTANT}
        row = await self._transaction.first(_BY_RUN, wanted)
        return None if row is None else MESSAGES.entity(row)

    async def said_before(self, run: Run, *, limit: int, after: int = 0) -> Sequence[ChatMessage]:
        """Return what user and assistant said before the message that a run answers."""
        if run.conversation_id is None or not is_id(run.conversation_id):
            return ()
        asked = {"the_run": run.id, "after": after, "size": limit}
        which = {**self._which(run.conversation_id), **asked}
        rows = await self._transaction.rows(_SAID_BEFORE, which)
        said = [ChatMessage(role=ChatRole(row.role), content=row.content) for row in rows]
        return said[::-1]
