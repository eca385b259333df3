"""What is found by what somebody presents, in SQL."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    CursorResult,
    Executable,
    Row,
    Select,
    and_,
    bindparam,
    delete,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import insert  # SQLite speaks it too

from orbiter.adapters.sql.api_keys import API_KEYS, api_keys
from orbiter.adapters.sql.columns import Instant, storable
from orbiter.adapters.sql.hooks import BY_TOKEN, HOOKS
from orbiter.adapters.sql.large_values import LargeValues
from orbiter.adapters.sql.notifications import REMOVE_OLD_NOTIFICATIONS
from orbiter.adapters.sql.password_resets import PASSWORD_RESETS, password_resets
from orbiter.adapters.sql.runs import RUN_VALUES, RUNS, UNENDED, runs
from orbiter.adapters.sql.schedules import DUE, SCHEDULES
from orbiter.adapters.sql.sessions import SESSIONS, sessions
from orbiter.adapters.sql.transactions import Transaction
from orbiter.adapters.sql.users import ACTIVE, USERS, users
from orbiter.adapters.sql.workspaces import WORKSPACES, workspaces
from orbiter.domain.api_keys import ApiKey
from orbiter.domain.errors import Conflict
from orbiter.domain.hooks import Hook
from orbiter.domain.password_resets import PasswordReset
from orbiter.domain.runs import Run
from orbiter.domain.schedules import Schedule
from orbiter.domain.sessions import Session
from orbiter.domain.users import User, same_email
from orbiter.domain.workspaces import Workspace

_USER: Final = select(*USERS.columns)
_BY_EMAIL: Final = _USER.where(users.c.email_key == bindparam("email"), ACTIVE)
_BY_INVITE: Final = _USER.where(users.c.invite_token_hash == bindparam("token"), ~ACTIVE)
_BY_ID: Final = _USER.where(users.c.id == bindparam("the_id"))
_ANY_USER: Final = select(users.c.id).limit(1)
# Readers and updates of what refers to users go on; whoever would add a user waits.
_NOBODY_JOINS: Final = text("LOCK TABLE users IN SHARE ROW EXCLUSIVE MODE")

_BY_SESSION: Final = (
    select(*SESSIONS.columns, *USERS.columns)
    .join_from(sessions, users, users.c.id == sessions.c.user_id)
    .where(sessions.c.token_hash == bindparam("token"))
)
_BY_API_KEY: Final = (
    select(*API_KEYS.columns, *USERS.columns)
    .join_from(api_keys, users, users.c.id == api_keys.c.created_by)
    .where(api_keys.c.key_hash == bindparam("token"))
)

_ADD_WORKSPACE: Final = insert(workspaces).on_conflict_do_nothing(index_elements=[workspaces.c.id])
_OLDEST: Final = select(*WORKSPACES.columns).order_by(workspaces.c.id).limit(bindparam("size"))
_UNENDED: Final = select(*RUNS.columns).where(UNENDED).order_by(runs.c.id)

_BEFORE: Final = bindparam("before", type_=Instant)
# Along the index of when runs were queued: what ended before a moment was queued before it.
_OLD: Final = (
    select(runs.c.id)
    .join_from(
        workspaces, runs, and_(runs.c.workspace_id == workspaces.c.id, runs.c.queued_at < _BEFORE)
    )
    .where(runs.c.finished_at < _BEFORE, ~UNENDED)
    .limit(bindparam("size"))
)
_REMOVE_OLD: Final = delete(runs).where(runs.c.id.in_(_OLD)).returning(runs.c.id)
_ALONE: Final = select(text("pg_try_advisory_xact_lock(5279147264)"))  # any number that stays

_RESET: Final = select(*PASSWORD_RESETS.columns).where(
    password_resets.c.token_hash == bindparam("token")
)
_TAKE_RESET: Final = (
    delete(password_resets)
    .where(password_resets.c.token_hash == bindparam("token"))
    .returning(*PASSWORD_RESETS.columns)
)
_INSERT_RESET: Final = insert(password_resets)
_ADD_RESET: Final = _INSERT_RESET.on_conflict_do_update(
    index_elements=[password_resets.c.user_id], set_=dict(_INSERT_RESET.excluded)
)


class SqlCredentials:
    """Rows of every workspace."""

    def __init__(self, transaction: Transaction, large: LargeValues) -> None:
        self._transaction = transaction
        self._large = large

    async def user_by_email(self, email: str) -> User | None:
        """Return the active user who signs in with *email*."""
        return self._user(await self._first(_BY_EMAIL, {"email": same_email(email)}))

    async def user_by_invite(self, token_hash: str) -> User | None:
        """Return the invited user of that token."""
        return self._user(await self._first(_BY_INVITE, {"token": token_hash}))

    async def user(self, user_id: str) -> User | None:
        """Return the user of that id."""
        return self._user(await self._first(_BY_ID, {"the_id": user_id}))

    async def any_user(self) -> bool:
        """Say whether anybody has registered yet; if not, let nobody till the end."""
        found = await self._first(_ANY_USER, {})
        if found is None and not self._transaction.reading:
            await self._transaction.lock(_NOBODY_JOINS)
            found = await self._first(_ANY_USER, {})
        return found is not None

    async def by_session(self, token_hash: str) -> tuple[Session, User] | None:
        """Return a session and its user, in one statement."""
        row = await self._first(_BY_SESSION, {"token": token_hash})
        if row is None:
            return None
        first = len(SESSIONS.columns)
        return SESSIONS.entity(row[:first]), USERS.entity(row[first:])

    async def by_api_key(self, key_hash: str) -> tuple[ApiKey, User] | None:
        """Return a key and its creator, in one statement."""
        row = await self._first(_BY_API_KEY, {"token": key_hash})
        if row is None:
            return None
        first = len(API_KEYS.columns)
        return API_KEYS.entity(row[:first]), USERS.entity(row[first:])

    async def add_workspace(self, workspace: Workspace) -> None:
        """Store a new workspace."""
        if not (await self._transaction.write(_ADD_WORKSPACE, WORKSPACES.row(workspace))).rowcount:
            raise Conflict("Workspace with this id already exists")

    async def workspaces(self, limit: int) -> Sequence[Workspace]:
        """Return the oldest workspaces."""
        rows = await self._transaction.rows(_OLDEST, {"size": limit})
        return [WORKSPACES.entity(row) for row in rows]

    async def add_reset(self, reset: PasswordReset) -> None:
        """Store a password reset in place of the user's earlier ones."""
        await self._transaction.write(_ADD_RESET, PASSWORD_RESETS.row(reset))

    async def reset(self, token_hash: str) -> PasswordReset | None:
        """Return the reset of that token."""
        row = await self._first(_RESET, {"token": token_hash})
        return None if row is None else PASSWORD_RESETS.entity(row)

    async def take_reset(self, token_hash: str) -> PasswordReset | None:
        """Remove and return the reset of that token."""
        row = (await self._transaction.write(_TAKE_RESET, {"token": token_hash})).first()
        return None if row is None else PASSWORD_RESETS.entity(row)

    async def unended_runs(self) -> Sequence[Run]:
        """Return every run that has not ended, oldest first."""
        rows = await self._transaction.rows(_UNENDED, {})
        return [await self._large.whole(RUNS.entity(row), RUN_VALUES) for row in rows]

    async def by_hook(self, token_hash: str) -> Hook | None:
        """Return the hook of that token."""
        row = await self._first(BY_TOKEN, {"token": token_hash})
        return None if row is None else HOOKS.entity(row)

    async def due_schedules(self, at: datetime, *, limit: int) -> Sequence[Schedule]:
        """Return the schedules whose next tick is not after *at*, longest due first."""
        rows = await self._transaction.rows(DUE, {"at": at, "size": limit})
        return [SCHEDULES.entity(row) for row in rows]

    async def remove_ended_runs(self, before: datetime, *, limit: int) -> int:
        """Delete up to *limit* runs that ended before a moment; 0 if another process does."""
        removed = await self._remove_old(_REMOVE_OLD, before, limit)
        ids = [] if removed is None else [row.id for row in removed]
        await self._large.drop(ids)
        return len(ids)

    async def remove_old_notifications(self, before: datetime, *, limit: int) -> int:
        """Delete up to *limit* notifications from before a moment; 0 if another process does."""
        removed = await self._remove_old(REMOVE_OLD_NOTIFICATIONS, before, limit)
        return 0 if removed is None else removed.rowcount

    async def _remove_old(
        self, statement: Executable, before: datetime, limit: int
    ) -> CursorResult[Any] | None:
        self._transaction.require_writing()
        if self._transaction.connection.dialect.name == "postgresql":
            alone = await self._transaction.first(_ALONE, {})
            if alone is None or not alone[0]:
                return None
        return await self._transaction.write(statement, {"before": before, "size": limit})

    async def _first(
        self, statement: Select[Any], parameters: Mapping[str, str]
    ) -> Row[Any] | None:
        if not all(storable(value) for value in parameters.values()):
            return None
        return await self._transaction.first(statement, parameters)

    @staticmethod
    def _user(row: Row[Any] | None) -> User | None:
        return None if row is None else USERS.entity(row)
