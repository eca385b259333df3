"""What is found by what somebody presents, in memory."""

from collections.abc import Sequence
from datetime import datetime

from orbiter.adapters.memory.runs import MemoryRuns
from orbiter.adapters.memory.tables import Tables
from orbiter.domain.api_keys import ApiKey
from orbiter.domain.errors import Conflict, NotFound
from orbiter.domain.hooks import Hook
from orbiter.domain.password_resets import PasswordReset
from orbiter.domain.runs import Run
from orbiter.domain.schedules import Schedule
from orbiter.domain.sessions import Session
from orbiter.domain.users import User, same_email
from orbiter.domain.workspaces import Workspace


class MemoryCredentials:
    """Rows of every workspace."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def user_by_email(self, email: str) -> User | None:
        """Return the active user who signs in with *email*."""
        address = same_email(email)
        for user in self._tables.users.rows():
            if user.active and same_email(user.email) == address:
                return user
        return None

    async def user_by_invite(self, token_hash: str) -> User | None:
        """Return the invited user of that token."""
        for user in self._tables.users.rows():
            if user.invite_token_hash == token_hash and not user.active:
                return user
        return None

    async def user(self, user_id: str) -> User | None:
        """Return the user of that id."""
        return self._tables.users.get(user_id)

    async def any_user(self) -> bool:
        """Say whether anybody has registered yet."""
        return any(True for _ in self._tables.users.rows())

    async def by_session(self, token_hash: str) -> tuple[Session, User] | None:
        """Return a session and its user."""
        for session in self._tables.sessions.rows():
            user = self._tables.users.get(session.user_id)
            if session.token_hash == token_hash and user is not None:
                return session, user
        return None

    async def by_api_key(self, key_hash: str) -> tuple[ApiKey, User] | None:
        """Return a key and its creator."""
        for key in self._tables.api_keys.rows():
            user = self._tables.users.get(key.created_by)
            if key.key_hash == key_hash and user is not None:
                return key, user
        return None

    async def add_workspace(self, workspace: Workspace) -> None:
        """Store a new workspace."""
        if workspace.id in self._tables.workspaces.for_writing():
            raise Conflict("Workspace with this id already exists")
        self._tables.workspaces.put(workspace.id, workspace)

    async def workspaces(self, limit: int) -> Sequence[Workspace]:
        """Return the oldest workspaces."""
        return sorted(self._tables.workspaces.rows(), key=lambda row: row.id)[:limit]

    async def add_reset(self, reset: PasswordReset) -> None:
        """Store a password reset in place of the user's earlier ones."""
        self._tables.resets.for_writing()
        if self._tables.users.get(reset.user_id) is None:
            raise NotFound("User")
        for other in self._tables.resets.rows():
            if other.user_id == reset.user_id:
                self._tables.resets.drop(other.id)
        self._tables.resets.put(reset.id, reset)

    async def reset(self, token_hash: str) -> PasswordReset | None:
        """Return the reset of that token."""
        for reset in self._tables.resets.rows():
            if reset.token_hash == token_hash:
                return reset
        return None

    async def take_reset(self, token_hash: str) -> PasswordReset | None:
        """Remove and return the reset of that token."""
        self._tables.resets.for_writing()
        reset = await self.reset(token_hash)
        if reset is not None:
            self._tables.resets.drop(reset.id)
        return reset

    async def unended_runs(self) -> Sequence[Run]:
        """Return every run that has not ended, oldest first."""
        runs = (run for run in self._tables.runs.rows() if not run.ended)
        return sorted(runs, key=lambda run: run.id)

    async def by_hook(self, token_hash: str) -> Hook | None:
        """Return the hook of that token."""
        for hook in self._tables.hooks.rows():
            if hook.token_hash == token_hash:
                return hook
        return None

    async def due_schedules(self, at: datetime, *, limit: int) -> Sequence[Schedule]:
        """Return the schedules whose next tick is not after *at*, longest due first."""
        due = [
            (row.next_run_at, row.id, row)
            for row in self._tables.schedules.rows()
            if row.next_run_at is not None and row.next_run_at <= at
        ]
        return [row for *_, row in sorted(due, key=lambda each: each[:2])[:limit]]

    async def remove_ended_runs(self, before: datetime, *, limit: int) -> int:
        """Delete up to *limit* runs that ended before a moment; return how many there were."""
        self._tables.runs.for_writing()
        old = [
            run
            for run in self._tables.runs.rows()
            if run.ended
            and run.finished_at is not None
            and max(run.queued_at, run.finished_at) < before
        ][:limit]
        for run in old:
            await MemoryRuns(self._tables, run.workspace_id).remove(run.id)
        return len(old)

    async def remove_old_notifications(self, before: datetime, *, limit: int) -> int:
        """Delete up to *limit* notifications from before a moment; return how many there were."""
        self._tables.notifications.for_writing()
        rows = self._tables.notifications.rows()
        old = [row.id for row in rows if row.created_at < before][:limit]
        for id in old:
            self._tables.notifications.drop(id)
        return len(old)
