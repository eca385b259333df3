"""Notifications: where they are kept, and how runs send them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from orbiter.application.paging import Page, PageRequest
from orbiter.application.ports.repositories import Repository
from orbiter.domain.identity import Permission
from orbiter.domain.notifications import Notification, NotificationKind
from orbiter.domain.runs import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationFilter:
    """Which notifications are listed: one member's, of which perhaps the *unread*, or the rest."""

    user_id: str
    unread: bool | None = None


class NotificationRepository(Repository[Notification], Protocol):
    """Notifications of the workspace's members; they go with their member, and with their run."""

    async def tell(self, notifications: Sequence[Notification]) -> None:
        """Store those whose id is not used yet, and delete each member's oldest above
        PER_MEMBER_MAX.

        What is for a member who is gone, or about a run that is, is dropped.
        """

    async def page(self, request: PageRequest, only: NotificationFilter) -> Page[Notification]:
        """Return a page of the notifications that match."""
        ...

    async def read_all(self, user_id: str) -> None:
        """Mark everything a member has as read."""

    async def settle(self, run_id: str, step_id: str) -> None:
        """Mark as read, for everybody, what asks for something about a step that is done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What a node of a run has to say; all of it the same in every execution of the run.

    *key* tells it from every other one. What *message* is other than text is shown as JSON.
    Without a *subject* it is titled by the workflow and the *node*.
    """

    key: str
    kind: NotificationKind
    to: Permission
    subject: str | None = None
    node: str
    message: Any
    step_id: str
    at: datetime


class Notices(Protocol):
    """The way from runs to members."""

    async def send(self, run: Run, notice: Notice) -> int:
        """Notify the active members who hold the permission that *notice* is *to*, once each.

        Return how many there are. While storage is away, wait for it.
        """
        ...
