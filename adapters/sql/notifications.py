"""Notifications in SQL."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKeyConstraint,
    Index,
    Select,
    String,
    Table,
    Text,
    bindparam,
    delete,
    false,
    select,
    true,
    update,
)

from orbiter.adapters.sql.columns import Id, Instant, OneOf
from orbiter.adapters.sql.metadata import metadata
from orbiter.adapters.sql.pages import pages_of
from orbiter.adapters.sql.references import belongs_to
from orbiter.adapters.sql.repository import Mapped, SqlRepository, Statements
from orbiter.adapters.sql.runs import runs
from orbiter.adapters.sql.transactions import Transaction
from orbiter.adapters.sql.users import users
from orbiter.application.paging import Page, PageRequest
from orbiter.application.ports.notifications import NotificationFilter
from orbiter.domain.checks import is_id
from orbiter.domain.notifications import PER_MEMBER_MAX, TITLE_MAX, Notification, NotificationKind

notifications: Final = Table(
    "notifications",
    metadata,
    Column("id", Id, primary_key=True),
    Column("workspace_id", Id, nullable=False),
    Column("user_id", Id, nullable=False),
    Column("kind", OneOf(NotificationKind), nullable=False),
    Column("title", String(TITLE_MAX), nullable=False),
    Column("message", Text, nullable=False),
    Column("run_id", Id),
    Column("workflow_id", Id),
    Column("step_id", Id),
    Column("read", Boolean, nullable=False),
    Column("created_at", Instant, nullable=False),
    belongs_to("users", "user_id", "User"),
    ForeignKeyConstraint(["run_id"], ["runs.id"], ondelete="CASCADE"),
    Index(None, "workspace_id", "user_id", "id"),
    Index(None, "workspace_id", "user_id", "read", "id"),
    Index(None, "run_id"),
    Index(None, "created_at"),
)

NOTIFICATIONS: Final = Mapped(notifications, Notification)

_STATEMENTS: Final = Statements(NOTIFICATIONS, "Notification")
_MINE: Final = notifications.c.workspace_id == bindparam("mine")
_THEIRS: Final = notifications.c.user_id == bindparam("the_user")
_UNREAD: Final = notifications.c.read == false()
_PAGES: Final = pages_of(NOTIFICATIONS, "user_id", "read")
_READ: Final = update(notifications).values(read=true()).where(_MINE, _UNREAD)
_READ_ALL: Final = _READ.where(_THEIRS)
_SETTLE: Final = _READ.where(
    notifications.c.run_id == bindparam("the_run"), notifications.c.step_id == bindparam("the_step")
)
_OLDEST: Final = (
    select(notifications.c.id)
    .where(_MINE, _THEIRS)
    .order_by(notifications.c.id.desc())
    .offset(PER_MEMBER_MAX)
)
_OLD: Final = (
    select(notifications.c.id)
    .where(notifications.c.created_at < bindparam("before", type_=Instant))
    .limit(bindparam("size"))
)
REMOVE_OLD_NOTIFICATIONS: Final = delete(notifications).where(notifications.c.id.in_(_OLD))
_PRUNE: Final = delete(notifications).where(notifications.c.id.in_(_OLDEST))


def _still_there(table: Table) -> Select[Any]:
    # Locked, so that they are still there when something has come to refer to them.
    return (
        select(table.c.id)
        .where(table.c.workspace_id == bindparam("mine"))
        .where(table.c.id.in_(bindparam("ids", expanding=True)))
        .order_by(table.c.id)
        .with_for_update(read=True, key_share=True)
    )


_USERS: Final = _still_there(users)
_RUNS: Final = _still_there(runs)


class SqlNotifications(SqlRepository[Notification]):
    """Notifications of one workspace's members."""

    def __init__(self, transaction: Transaction, workspace_id: str) -> None:
        super().__init__(_STATEMENTS, transaction, workspace_id)

    async def tell(self, notifications: Sequence[Notification]) -> None:
        """Store what is new and for somebody who is there, and delete each member's oldest."""
        self._transaction.require_writing()
        members = await self._there(_USERS, {each.user_id for each in notifications})
        about = {each.run_id for each in notifications if each.run_id is not None}
        runs = {None, *await self._there(_RUNS, about)}
        rows = [
            NOTIFICATIONS.row(each)
            for each in notifications
            if each.user_id in members and each.run_id in runs
        ]
        if rows:
            await self._transaction.write(_STATEMENTS.insert, rows)
            theirs = [{"mine": self._workspace_id, "the_user": each} for each in sorted(members)]
            await self._transaction.write(_PRUNE, theirs)

    async def page(self, request: PageRequest, only: NotificationFilter) -> Page[Notification]:
        """Return a page of the notifications that match."""
        wanted = {
            "mine": self._workspace_id,
            "user_id": only.user_id,
            "read": None if only.unread is None else not only.unread,
        }
        return await _PAGES.page(self._transaction, wanted, request, request.id_after())

    async def read_all(self, user_id: str) -> None:
        """Mark everything a member has as read."""
        self._transaction.require_writing()
        if is_id(user_id):
            which = {"mine": self._workspace_id, "the_user": user_id}
            await self._transaction.write(_READ_ALL, which)

    async def settle(self, run_id: str, step_id: str) -> None:
        """Mark as read, for everybody, what asks for something about a step that is done."""
        self._transaction.require_writing()
        if is_id(run_id) and is_id(step_id):
            which = {"mine": self._workspace_id, "the_run": run_id, "the_step": step_id}
            await self._transaction.write(_SETTLE, which)

    async def _there(self, statement: Select[Any], ids: set[str]) -> set[str]:
        """Return those of *ids* that the workspace has, and keep them till the end."""
        if not ids:
            return set()
        which = {"mine": self._workspace_id, "ids": sorted(ids)}
        return {row.id for row in await self._transaction.rows(statement, which)}
