"""/api/v1/conversations/:id/messages: what was said, saying more, and what one thinks of it."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, Any

from litestar import Controller, Response, get, post, put
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, JSONBody
from msgspec import UNSET, Meta, UnsetType

from orbiter.adapters.http.access import ActorRequest, requires
from orbiter.adapters.http.answers import API, created
from orbiter.adapters.http.bodies import about
from orbiter.adapters.http.errors import body_of
from orbiter.adapters.http.idempotency import undertaking_of
from orbiter.adapters.http.paging import PageOut, Pages, oldest_first
from orbiter.adapters.http.run_events import written
from orbiter.adapters.http.runs import RunOut, UsageOut, Usd, answered
from orbiter.adapters.http.starting import starts
from orbiter.adapters.http.streams import is_wanted, message, stream
from orbiter.adapters.http.wire import Id, Input, Output, Timestamp
from orbiter.application.facade import Orbiter
from orbiter.application.run_events import Told
from orbiter.application.send_message import failure_of
from orbiter.domain.checks import text_problems
from orbiter.domain.conversations import (
    COMMENT_MAX,
    CONTENT_MAX,
    Message,
    MessageRole,
    Rating,
    content_problems,
)
from orbiter.domain.errors import NotFound, Unavailable
from orbiter.domain.identity import Actor, Permission
from orbiter.domain.runs import Run

Content = Annotated[
    str, Meta(min_length=1, max_length=CONTENT_MAX, examples=["Where is my order 1815?"])
]
Comment = Annotated[str, Meta(max_length=COMMENT_MAX, examples=["It knew the order at once"])]


class NewMessage(Input):
    """What to say."""

    rules = {"content": content_problems}

    content: Content


class FeedbackUpdate(Input):
    """What one thinks of an answer; a rating of null takes back what was said of it."""

    rules = {"comment": lambda comment: text_problems("comment", comment, maximum=COMMENT_MAX)}

    rating: Rating | None
    comment: Comment | None | UnsetType = UNSET


class MadeCallOut(Output):
    """A call of a tool made for an answer; `id` is that of its step in the run."""

    id: Id
    name: str
    arguments: Any
    output: Any


class FeedbackOut(Output):
    """What somebody thinks of an answer."""

    rating: Rating
    comment: Comment | None


class MessageOut(Output):
    """One thing said, and of an answer what it took."""

    id: Id
    conversation_id: Id
    role: MessageRole
    content: Annotated[str, Meta(examples=["Where is my order 1815?"])]
    tool_calls: list[MadeCallOut]
    citations: list[Any]
    usage: UsageOut | None
    cost_usd: Usd | None
    run_id: Id | None
    feedback: FeedbackOut | None
    created_at: Timestamp


class MessageController(Controller):
    """Saying something, and looking at what was said."""

    path = "/conversations/{conversation_id:str}/messages"
    tags = ("conversations",)

    @get(
        opt=requires(Permission.CONVERSATIONS_READ),
        dependencies={"pages": Provide(oldest_first, sync_to_thread=False)},
        summary="Get conversation messages",
    )
    async def page(
        self,
        request: ActorRequest,
        core: NamedDependency[Orbiter],
        pages: NamedDependency[Pages],
        conversation_id: FromPath[str],
    ) -> PageOut[MessageOut]:
        """Return what was said, oldest first unless `order=desc`."""
        page = await core.conversations.messages(request.user, conversation_id, pages.wanted)
        return pages.show(page, MessageOut)

    @post(
        opt=starts(Permission.CONVERSATIONS_RUN, "conversations"),
        summary="Send a message",
    )
    async def send(
        self,
        request: ActorRequest,
        core: NamedDependency[Orbiter],
        conversation_id: FromPath[str],
        data: JSONBody[NewMessage],
    ) -> Response[MessageOut | RunOut]:
        """Say something and return the answer: the assistant's message.

        One message is answered at a time: 409 meanwhile, with the `run_id` that is at it. The
        answer is a run, which goes on and is stored whatever becomes of the client. After 10
        minutes without its end the answer is 202 and the run.

        With `Accept: text/event-stream` the answer is 200 and the run's events as they happen, like
        `GET /runs/:id/events`; the last one is `message.completed` with the `message`, or
        `message.failed` with the `error` that the answer would have been otherwise.

        Without an answer, `details` has the `run_id`, and the run's `code` and `message`: 503 when
        the model or its provider failed, 409 when the run was cancelled or fails as things are, for
        instance by `MAX_TURNS`; 422 when the agent's guardrails refuse the message. What was said
        stays, and may be said again.
        """
        run = await _begun(core, request, conversation_id, data.content)
        if is_wanted(request):
            return await _streamed(core, request.user, run)
        return _answer(await core.send_message.answer(request.user, run))

    @put(
        "/{message_id:str}/feedback",
        opt=requires(Permission.CONVERSATIONS_WRITE, **about("conversations")),
        summary="Rate an answer",
    )
    async def rate(
        self,
        request: ActorRequest,
        core: NamedDependency[Orbiter],
        conversation_id: FromPath[str],
        message_id: FromPath[str],
        data: JSONBody[FeedbackUpdate],
    ) -> MessageOut:
        """Keep what one thinks of an answer, in place of what was said of it before.

        A comment that is absent is kept. Messages of users are not rated: 409.
        """
        rated = await core.conversations.rate(
            request.user, conversation_id, message_id, **data.given()
        )
        return MessageOut.of(rated)


async def _begun(core: Orbiter, request: ActorRequest, conversation_id: str, content: str) -> Run:
    """Return the run that answers: a new one, unless the same request has begun one before."""
    undertaking = undertaking_of(request)
    if undertaking is not None and undertaking.run_id is not None:
        return await core.send_message.begun(request.user, undertaking.run_id)
    run = await core.send_message.begin(request.user, conversation_id, content)
    if undertaking is not None:
        await undertaking.begin(run.id)
    return run


def _answer(outcome: Message | Run) -> Response[Any]:
    if isinstance(outcome, Run):
        return answered(outcome)
    return created(MessageOut.of(outcome), f"/conversations/{outcome.conversation_id}/messages")


async def _streamed(core: Orbiter, actor: Actor, run: Run) -> Response[Any]:
    may = Permission.CONVERSATIONS_RUN
    events = await core.run_events.follow(actor, run.id, permission=may)
    place = f"{API}/runs/{run.id}"
    headers = {"Location": place, "Content-Location": f"{place}/events"}
    return stream(_told(core, actor, run, events), **headers)


async def _told(
    core: Orbiter, actor: Actor, run: Run, events: AsyncGenerator[Told, None] | None
) -> AsyncGenerator[bytes, None]:
    """Yield a run's events and then what it has answered, if it has ended."""
    if events is not None:
        async with aclosing(written(events)) as messages:
            async for each in messages:
                yield each
    try:
        outcome = await core.send_message.outcome(actor, run)
    except (NotFound, Unavailable):
        return
    if not isinstance(outcome, Run):
        told = {"run_id": run.id, "message": MessageOut.of(outcome)}
        yield message("message.completed", {"type": "message.completed", **told})
    elif outcome.ended:
        told = {"run_id": run.id, **body_of(failure_of(outcome))}
        yield message("message.failed", {"type": "message.failed", **told})
