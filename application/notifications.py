"""Notification use cases: reading one's own, and what runs send."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from orbiter.application.execution.place import dated_id
from orbiter.application.paging import LIMIT_MAX, Page, PageRequest
from orbiter.application.patience import patiently
from orbiter.application.ports.notifications import Notice, NotificationFilter
from orbiter.application.ports.storage import Storage, UnitOfWork
from orbiter.application.ports.system import Clock
from orbiter.application.work import Work
from orbiter.domain.errors import NotFound
from orbiter.domain.identity import Actor, Permission, permissions_of
from orbiter.domain.notifications import MESSAGE_MAX, TITLE_MAX, Notification, clipped
from orbiter.domain.runs import Run
from orbiter.domain.users import User


@dataclass(frozen=True, slots=True)
class NotificationHandlers:
    """What an actor may do with the own notifications; nobody sees another's."""

    work: Work

    async def page(
        self, actor: Actor, request: PageRequest, *, unread: bool | None = None
    ) -> Page[Notification]:
        """Return a page of the actor's notifications, of the *unread* or the read ones if asked."""
        only = NotificationFilter(user_id=actor.user_id, unread=unread)
        async with self.work(actor, Permission.NOTIFICATIONS_READ) as uow:
            return await uow.notifications.page(request, only)

    async def require(self, actor: Actor, notification_id: str) -> None:
        """Raise NotFound unless the actor has a notification of that id."""
        async with self.work(actor, Permission.NOTIFICATIONS_WRITE, reading=True) as uow:
            await _own(uow, actor, notification_id)

    async def mark(
        self, actor: Actor, notification_id: str, *, read: bool | None = None
    ) -> Notification:
        """Mark one of the actor's notifications as *read* or not; None leaves it as it is."""
        async with self.work(actor, Permission.NOTIFICATIONS_WRITE) as uow:
            notification = await _own(uow, actor, notification_id)
            if read is not None:
                notification = notification.mark(read=read)
                await uow.notifications.save(notification)
        return notification

    async def read_all(self, actor: Actor) -> None:
        """Mark all of the actor's notifications as read."""
        async with self.work(actor, Permission.NOTIFICATIONS_WRITE) as uow:
            await uow.notifications.read_all(actor.user_id)


async def _own(uow: UnitOfWork, actor: Actor, notification_id: str) -> Notification:
    notification = await uow.notifications.get(notification_id)
    if notification.user_id != actor.user_id:
        raise NotFound("Notification")
    return notification


@dataclass(frozen=True, slots=True)
class StoredNotices:
    """Notices of runs, kept as one notification for each member."""

    storage: Storage
    clock: Clock

    async def send(self, run: Run, notice: Notice) -> int:
        """Notify the active members who may have the notice, once each; return how many.

        While storage is away, wait for it.
        """

        async def send() -> int:
            async with self.storage.open(run.workspace_id, reading=True) as uow:
                notifications = await _copies(uow, run, notice)
            async with self.storage.open(run.workspace_id) as uow:
                await uow.notifications.tell(notifications)
            return len(notifications)

        return await patiently(send, self.clock)


async def _copies(uow: UnitOfWork, run: Run, notice: Notice) -> list[Notification]:
    title = clipped(notice.subject or await _title(uow, run, notice), TITLE_MAX)
    message = clipped(_text(notice.message), MESSAGE_MAX)
    return [
        Notification(
            # What is the same in every execution, so that nobody is told twice.
            id=dated_id(notice.at, f"{notice.key}:{user.id}"),
            workspace_id=run.workspace_id,
            user_id=user.id,
            kind=notice.kind,
            title=title,
            message=message,
            run_id=run.id,
            workflow_id=run.workflow_id,
            step_id=notice.step_id,
            created_at=notice.at,
        )
        async for user in _members(uow)
        if user.active and notice.to in permissions_of(user.role)
    ]


async def _members(uow: UnitOfWork) -> AsyncIterator[User]:
    after: str | None = None
    while True:
        page = await uow.users.page(PageRequest(limit=LIMIT_MAX, after=after))
        for user in page.items:
            yield user
        if page.next_after is None:
            return
        after = page.next_after


async def _title(uow: UnitOfWork, run: Run, notice: Notice) -> str:
    try:
        workflow = await uow.workflows.get(run.workflow_id or "")
    except NotFound:
        # It was deleted; its runs go on.
        return notice.node
    return f"{workflow.name}: {notice.node}"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
