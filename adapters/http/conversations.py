"""/api/v1/conversations: what is said with agents."""

from typing import Annotated

from litestar import Controller, Response, delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import UNSET, Meta, UnsetType

from orbiter.adapters.http.access import ActorRequest, requires
from orbiter.adapters.http.answers import created
from orbiter.adapters.http.bodies import about
from orbiter.adapters.http.paging import PageOut, Pages
from orbiter.adapters.http.parameters import text
from orbiter.adapters.http.wire import Id, Input, Output, Timestamp
from orbiter.application.facade import Orbiter
from orbiter.application.ports.conversations import ConversationFilter
from orbiter.domain.conversations import TITLE_MAX
from orbiter.domain.identity import Permission

Title = Annotated[str, Meta(min_length=1, max_length=TITLE_MAX, examples=["Where is my order?"])]


class NewConversation(Input):
    """A conversation to begin; without a title, the first message gives it."""

    references = {"agent_id": "agents"}

    agent_id: Id
    title: Title | None = None


class ConversationUpdate(Input):
    """What to change of a conversation; without a title, the next message gives it."""

    title: Title | None | UnsetType = UNSET


class ConversationOut(Output):
    """What is said with one agent."""

    id: Id
    agent_id: Id
    deployment_id: Id | None
    title: Title | None
    message_count: int
    created_at: Timestamp
    updated_at: Timestamp


class ConversationController(Controller):
    """CRUD over conversations."""

    path = "/conversations"
    tags = ("conversations",)

    @get(opt=requires(Permission.CONVERSATIONS_READ), summary="List conversations")
    async def page(
        self,
        request: ActorRequest,
        core: NamedDependency[Orbiter],
        pages: NamedDependency[Pages],
        agent_id: FromQuery[str | None] = None,
        deployment_id: FromQuery[str | None] = None,
    ) -> PageOut[ConversationOut]:
        """Return the workspace's conversations, newest first."""
        only = ConversationFilter(agent_id=text(agent_id), deployment_id=text(deployment_id))
        page = await core.conversations.page(request.user, pages.wanted, only)
        return pages.show(page, ConversationOut)

    @post(opt=requires(Permission.CONVERSATIONS_WRITE), summary="Begin a conversation")
    async def create(
        self, request: ActorRequest, core: NamedDependency[Orbiter], data: JSONBody[NewConversation]
    ) -> Response[ConversationOut]:
        """Begin a conversation with an agent, in which nothing is said yet."""
        conversation = await core.conversations.create(request.user, **data.given())
        place = f"/conversations/{conversation.id}"
        return created(ConversationOut.of(conversation), place)

    @get(
        "/{conversation_id:str}",
        opt=requires(Permission.CONVERSATIONS_READ),
        summary="Get a conversation",
    )
    async def show(
        self, request: ActorRequest, core: NamedDependency[Orbiter], conversation_id: FromPath[str]
    ) -> ConversationOut:
        """Return one conversation, without what was said in it."""
        return ConversationOut.of(await core.conversations.get(request.user, conversation_id))

    @put(
        "/{conversation_id:str}",
        opt=requires(Permission.CONVERSATIONS_WRITE, **about("conversations")),
        summary="Rename a conversation",
    )
    async def revise(
        self,
        request: ActorRequest,
        core: NamedDependency[Orbiter],
        conversation_id: FromPath[str],
        data: JSONBody[ConversationUpdate],
    ) -> ConversationOut:
        """Change the title, if one is given."""
        revised = await core.conversations.revise(request.user, conversation_id, **data.given())
        return ConversationOut.of(revised)

    @delete(
        "/{conversation_id:str}",
        opt=requires(Permission.CONVERSATIONS_WRITE),
        summary="Delete a conversation",
    )
    async def remove(
        self, request: ActorRequest, core: NamedDependency[Orbiter], conversation_id: FromPath[str]
    ) -> None:
        """Delete a conversation and what was said in it.

        A run that is just answering is cancelled; those that have ended stay.
        """
        await core.conversations.remove(request.user, conversation_id)
