"""Notifications in memory."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from orbiter.adapters.memory.repository import MemoryRepository, own, page_of, require
from orbiter.adapters.memory.tables import Tables
from orbiter.application.paging import Page, PageRequest
from orbiter.application.ports.notifications import NotificationFilter
from orbiter.domain.notifications import PER_MEMBER_MAX, Notification


class MemoryNotifications(MemoryRepository[Notification]):
    """Notifications of one workspace's members."""

    def __init__(self, tables: Tables, workspace_id: str) -> None:
        super().__init__(tables.notifications, workspace_id, "Notification")
        self._tables = tables

    async def tell(self, notifications: Sequence[Notification]) -> None:
        """Store what is new and for somebody who is there, and delete each member's oldest."""
        self._rows.for_writing()
        for each in notifications:
            if self._rows.get(each.id) is None and self._may_be_kept(each):
                self._rows.put(each.id, each)
        for user_id in {each.user_id for each in notifications}:
            theirs = sorted(row.id for row in self._mine() if row.user_id == user_id)
            for id in theirs[:-PER_MEMBER_MAX]:
                self._rows.drop(id)

    async def page(self, request: PageRequest, only: NotificationFilter) -> Page[Notification]:
        """Return a page of the notifications that match."""
        theirs = (row for row in self._mine() if row.user_id == only.user_id)
        return page_of((row for row in theirs if only.unread in (None, not row.read)), request)

    async def read_all(self, user_id: str) -> None:
        """Mark everything a member has as read."""
        self._mark_read(lambda row: row.user_id == user_id)

    async def settle(self, run_id: str, step_id: str) -> None:
        """Mark as read, for everybody, what asks for something about a step that is done."""
        self._mark_read(lambda row: (row.run_id, row.step_id) == (run_id, step_id))

    def _check(self, entity: Notification) -> None:
        require(self._tables.users, entity.user_id, entity.workspace_id, "User")

    def _may_be_kept(self, notification: Notification) -> bool:
        tables, here = self._tables, self._workspace_id
        return own(tables.users, notification.user_id, here) is not None and (
            notification.run_id is None or own(tables.runs, notification.run_id, here) is not None
        )

    def _mark_read(self, wanted: Callable[[Notification], bool]) -> None:
        self._rows.for_writing()
        for row in self._mine():
            if wanted(row):
                self._rows.put(row.id, replace(row, read=True))


def drop_notifications(
    tables: Tables, *, user_id: str | None = None, run_id: str | None = None
) -> None:
    """Delete what is for a member, or about a run, that is being deleted."""
    for row in tables.notifications.rows():
        if row.user_id == user_id or (row.run_id is not None and row.run_id == run_id):
            tables.notifications.drop(row.id)
