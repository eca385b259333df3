"""Conversations with agents: who said what, one answer at a time."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final, TypedDict, Unpack

from orbiter.domain.checks import require, text_problems
from orbiter.domain.errors import Conflict, FieldProblem
from orbiter.domain.runs import Usage

TITLE_MAX: Final = 255
MADE_TITLE_MAX: Final = 80
CONTENT_MAX: Final = 100_000
COMMENT_MAX: Final = 5000


class MessageRole(StrEnum):
    """Who speaks."""

    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"
    SYSTEM = "system"


class Rating(StrEnum):
    """What a reader thinks of an answer."""

    UP = "up"
    DOWN = "down"


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """What somebody says of an answer."""

    rating: Rating
    comment: str | None = None

    def __post_init__(self) -> None:
        require(text_problems("comment", self.comment, maximum=COMMENT_MAX))


class FeedbackChanges(TypedDict, total=False):
    """What a caller says of an answer; an absent comment means leave it alone."""

    rating: Rating | None
    comment: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeCall:
    """A call of a tool that was made for an answer; *id* is that of its step in the run."""

    id: str
    name: str
    arguments: Any
    output: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One thing said; *sequence* is its place in the conversation, counted from 1.

    A user's names the *run_id* that answers it, an assistant's the one it is the answer of, with
    what that has cost: None is unknown.
    """

    id: str
    workspace_id: str
    conversation_id: str
    sequence: int
    role: MessageRole
    content: str
    tool_calls: Sequence[MadeCall] = ()
    citations: Sequence[Mapping[str, Any]] = ()
    usage: Usage | None = None
    cost_usd: Decimal | None = None
    run_id: str | None = None
    feedback: Feedback | None = None
    created_at: datetime

    def rate(self, **changes: Unpack[FeedbackChanges]) -> "Message":
        """Return the message with other feedback; raise Conflict unless it is an answer.

        Without a rating there is none; a comment that is absent stays.
        """
        if self.role is not MessageRole.ASSISTANT:
            raise Conflict("Only answers of the assistant are rated")
        before = {} if self.feedback is None else {"comment": self.feedback.comment}
        rating, comment = changes.get("rating"), changes.get("comment", before.get("comment"))
        feedback = None if rating is None else Feedback(rating=rating, comment=comment)
        return replace(self, feedback=feedback)


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What was said up to and with the message at *sequence*, in a model's words."""

    text: str
    sequence: int


class ConversationChanges(TypedDict, total=False):
    """Fields a caller may revise; an absent key means leave it alone."""

    title: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """What is said with one agent; while *busy_run_id* answers, nothing else can be said.

    *summary* is what an agent that remembers so has last summed up.
    """

    id: str
    workspace_id: str
    agent_id: str
    deployment_id: str | None = None
    title: str | None = None
    message_count: int = 0
    busy_run_id: str | None = None
    summary: Summary | None = None
    created_by: str
    created_at: datetime
    updated_at: datetime

    def __post_init__(self) -> None:
        require(text_problems("title", self.title, minimum=1, maximum=TITLE_MAX))

    def revise(self, *, at: datetime, **changes: Unpack[ConversationChanges]) -> "Conversation":
        """Return the conversation with *changes*; without a title the next message gives it."""
        return replace(self, updated_at=at, **changes)

    def ask(self, content: str, run_id: str, *, at: datetime) -> "Conversation":
        """Return the conversation with a user's message more, which the run is to answer.

        Raise Conflict while another one is being answered.
        """
        self.require_free()
        return replace(
            self,
            title=self.title or title_of(content),
            message_count=self.message_count + 1,
            busy_run_id=run_id,
            updated_at=at,
        )

    def answered(self, *, at: datetime) -> "Conversation":
        """Return the conversation with the answer more that it was waiting for."""
        return replace(self, message_count=self.message_count + 1, busy_run_id=None, updated_at=at)

    def sum_up(self, text: str, *, window: int) -> "Conversation":
        """Return the conversation with a summary of all but the last *window* messages.

        The message that is being answered is not among them.
        """
        summary = Summary(text=text, sequence=self.message_count - 1 - window)
        return replace(self, summary=summary)

    def give_up(self) -> "Conversation":
        """Return the conversation without the answer that it was waiting for."""
        return replace(self, busy_run_id=None)

    def require_free(self) -> None:
        """Raise Conflict while a message is being answered."""
        if self.busy_run_id is not None:
            message = "The conversation is busy: one message is answered at a time"
            raise Conflict(message, {"run_id": self.busy_run_id})


def title_of(content: str) -> str | None:
    """Return the beginning of a first message as a title, None when there is nothing to see."""
    words = " ".join(content.encode(errors="ignore").decode().split())
    if len(words) > MADE_TITLE_MAX:
        words = words[: MADE_TITLE_MAX - 1].rstrip() + "…"
    return words or None


def content_problems(content: str) -> Iterator[FieldProblem]:
    """Yield what is wrong with a user's message."""
    yield from text_problems("content", content, minimum=1, maximum=CONTENT_MAX)
