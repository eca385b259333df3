"""/api/v1/notifications: what the caller is told in the app."""

from typing import Annotated

from litestar import Controller, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import UNSET, Meta, UnsetType

from orbiter.adapters.http.access import ActorRequest, requires
from orbiter.adapters.http.bodies import FIRST, AnyRequest
from orbiter.adapters.http.paging import PageOut, Pages
from orbiter.adapters.http.wire import Id, Input, Output, Timestamp
from orbiter.application.facade import Orbiter
from orbiter.domain.identity import Permission
from orbiter.domain.notifications import MESSAGE_MAX, TITLE_MAX, NotificationKind

Title = Annotated[
    str,
    Meta(
        max_length=TITLE_MAX,
        description="What a `notify` node says as its `subject`, else the workflow and the node.",
        examples=["Greeting: ask"],
    ),
]
Message = Annotated[str, Meta(max_length=MESSAGE_MAX, examples=["May Ada be greeted?"])]
Unread = Annotated[
    bool | None,
    QueryParameter(name="unread", description="`true`: only unread ones; `false`: only read ones."),
]


class NotificationUpdate(Input):
    """What to change of a notification."""

    read: Annotated[bool, Meta(examples=[True])] | UnsetType = UNSET


class NotificationOut(Output):
    """What a run has to say to the caller, or asks of them.

    An `approval` is answered at `/runs/{run_id}/approvals/{step_id}`; it is read once somebody did.
    """

    id: Id
    kind: NotificationKind
    title: Title
    message: Message
    run_id: Id | None
    workflow_id: Id | None
    step_id: Id | None
    read: Annotated[bool, Meta(examples=[False])]
    created_at: Timestamp


async def _require_own(request: AnyRequest) -> None:
    core: Orbiter = request.app.state.core
    await core.notifications.require(request.user, request.path_params["notification_id"])


class NotificationController(Controller):
    """Reading one's notifications; nobody sees another's."""

    path = "/notifications"
    tags = ("notifications",)

    @get(opt=requires(Permission.NOTIFICATIONS_READ), summary="List notifications")
    async def page(
        self,
        request: ActorRequest,
        core: NamedDependency[Orbiter],
        pages: NamedDependency[Pages],
        unread: Unread = None,
    ) -> PageOut[NotificationOut]:
        """Return the caller's notifications, newest first; the newest thousand are kept."""
        page = await core.notifications.page(request.user, pages.wanted, unread=unread)
        return pages.show(page, NotificationOut)

    @put(
        "/{notification_id:str}",
        opt=requires(Permission.NOTIFICATIONS_WRITE, **{FIRST: _require_own}),
        summary="Mark a notification as read",
    )
    async def mark(
        self,
        request: ActorRequest,
        core: NamedDependency[Orbiter],
        notification_id: FromPath[str],
        data: JSONBody[NotificationUpdate],
    ) -> NotificationOut:
        """Mark one of the caller's notifications as read, or as unread again."""
        marked = await core.notifications.mark(request.user, notification_id, **data.given())
        return NotificationOut.of(marked)

    @post(
        "/read-all",
        opt=requires(Permission.NOTIFICATIONS_WRITE),
        status_code=204,
        summary="Mark all notifications as read",
    )
    async def read_all(self, request: ActorRequest, core: NamedDependency[Orbiter]) -> None:
        """Mark all of the caller's notifications as read."""
        await core.notifications.read_all(request.user)
