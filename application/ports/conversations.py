"""Where conversations are kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from orbiter.application.paging import Page, PageRequest
from orbiter.application.ports.models import ChatMessage
from orbiter.application.ports.repositories import Repository
from orbiter.domain.conversations import Conversation, Message
from orbiter.domain.runs import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationFilter:
    """Which conversations are listed."""

    agent_id: str | None = None
    deployment_id: str | None = None


class ConversationRepository(Repository[Conversation], Protocol):
    """Conversations and their messages; removing an agent removes its conversations.

    Messages stay when their runs are removed.
    """

    async def page(self, request: PageRequest, only: ConversationFilter) -> Page[Conversation]:
        """Return a page of the conversations that match."""
        ...

    async def add_message(self, message: Message) -> None:
        """Store a new message; raise NotFound without its conversation."""

    async def message(self, conversation_id: str, message_id: str) -> Message:
        """Return a message or raise NotFound."""
        ...

    async def save_message(self, message: Message) -> None:
        """Overwrite a stored message or raise NotFound."""

    async def messages(self, conversation_id: str, request: PageRequest) -> Page[Message]:
        """Return a page of messages; `after` is a message's sequence as text."""
        ...

    async def answer_of(self, run: Run) -> Message | None:
        """Return what a run has answered in its conversation."""
        ...

    async def said_before(self, run: Run, *, limit: int, after: int = 0) -> Sequence[ChatMessage]:
        """Return what user and assistant said before the message that a run answers, in order.

        Only messages *after* that sequence, and of more than *limit* the newest.
        """
        ...
