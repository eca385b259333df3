"""Where entities are kept. Every repository but `Credentials` sees one workspace only.

`get` raises NotFound for what is absent or another workspace's. In a unit of work that writes,
`get` also keeps the row from changing until the transaction ends.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol, TypeVar

from orbiter.application.paging import Page, PageRequest
from orbiter.domain.api_keys import ApiKey
from orbiter.domain.audit_log import AuditEntry
from orbiter.domain.hooks import Hook
from orbiter.domain.password_resets import PasswordReset
from orbiter.domain.projects import Project
from orbiter.domain.runs import Run, RunKind, RunStatus, Step, Trigger
from orbiter.domain.schedules import Schedule
from orbiter.domain.sessions import Session
from orbiter.domain.users import User
from orbiter.domain.workspaces import Workspace

Entity = TypeVar("Entity")


class OfWorkspace(Protocol):
    """What belongs to a workspace."""

    @property
    def id(self) -> str: ...
    @property
    def workspace_id(self) -> str: ...


class Repository(Protocol[Entity]):
    """What every kind of entity can be asked for."""

    async def add(self, entity: Entity) -> None:
        """Store a new entity; raise Conflict when its id is used."""

    async def get(self, entity_id: str) -> Entity:
        """Return the entity or raise NotFound."""
        ...

    async def save(self, entity: Entity) -> None:
        """Overwrite the stored entity of the same id; raise NotFound when there is none."""

    async def remove(self, entity_id: str) -> None:
        """Delete the entity; raise NotFound when there is none."""


class ProjectRepository(Repository[Project], Protocol):
    """Projects."""

    async def page(self, request: PageRequest) -> Page[Project]:
        """Return a page of all projects."""
        ...

    async def dependents(self, project_id: str) -> Mapping[str, int]:
        """Count what the project holds, per kind; kinds with none are left out."""
        ...

    async def empty(self, project_id: str) -> Sequence[Run]:
        """Delete everything the project holds, and return the runs that had not ended."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFilter:
    """Which runs are listed; *q* is looked for in the texts, keys and numbers of id, inputs, output
    and error, where case does not count.
    """

    status: RunStatus | None = None
    kind: RunKind | None = None
    project_id: str | None = None
    workflow_id: str | None = None
    agent_id: str | None = None
    deployment_id: str | None = None
    trigger: Trigger | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None
    min_cost_usd: Decimal | None = None
    min_duration_ms: int | None = None
    q: str | None = None


class RunRepository(Repository[Run], Protocol):
    """Runs and their steps; removing a run removes its steps and notifications."""

    async def page(self, request: PageRequest, only: RunFilter) -> Page[Run]:
        """Return a page of the runs that match."""
        ...

    async def advance(self, run: Run) -> bool:
        """Overwrite the stored run unless it has ended or is gone; say whether it was done."""
        ...

    async def put_steps(self, steps: Sequence[Step]) -> None:
        """Store steps, each in place of the one of the same id."""

    async def step(self, run_id: str, step_id: str) -> Step:
        """Return a step or raise NotFound."""
        ...

    async def steps(self, run_id: str, request: PageRequest) -> Page[Step]:
        """Return a page of steps, first ones first; `after` is a step's sequence as text."""
        ...


class UserRepository(Repository[User], Protocol):
    """Members of the workspace, invited ones too; an e-mail signs in to one user at most.

    Removing a user removes its sessions, API keys, password resets and notifications.
    """

    async def page(self, request: PageRequest) -> Page[User]:
        """Return a page of all members."""
        ...

    async def active_admins(self) -> int:
        """Count the admins who can sign in.

        In a unit of work that writes, the next one who asks waits until it ends.
        """
        ...


class SessionRepository(Repository[Session], Protocol):
    """Sign-ins of the workspace's users."""

    async def page(self, request: PageRequest, user_id: str) -> Page[Session]:
        """Return a page of a user's sessions."""
        ...

    async def touch(self, session: Session) -> None:
        """Store its last use and its end; nothing happens when it was ended meanwhile."""

    async def remove_all(self, user_id: str, *, but: str | None = None) -> None:
        """End every session of a user, *but* perhaps one."""


class ApiKeyRepository(Repository[ApiKey], Protocol):
    """API keys of the workspace."""

    async def page(self, request: PageRequest, user_id: str | None) -> Page[ApiKey]:
        """Return a page of the keys, of one creator if given."""
        ...

    async def touch(self, key: ApiKey) -> None:
        """Store its last use; nothing happens when it was revoked meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """Which audit entries are listed; *actor* is a user's id or e-mail."""

    actor: str | None = None
    action: str | None = None
    entity_type: str | None = None
    entity_id: str | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None


class AuditLog(Protocol):
    """The workspace's audit log; entries are only ever added."""

    async def add(self, entry: AuditEntry) -> None:
        """Append an entry."""

    async def page(self, request: PageRequest, only: AuditFilter) -> Page[AuditEntry]:
        """Return a page of the entries that match."""
        ...


class Credentials(Protocol):
    """Rows found by what somebody presents, whatever the workspace; None when there is none."""

    async def user_by_email(self, email: str) -> User | None:
        """Return the active user who signs in with *email*."""
        ...

    async def user_by_invite(self, token_hash: str) -> User | None:
        """Return the invited user of that token."""
        ...

    async def user(self, user_id: str) -> User | None:
        """Return the user of that id."""
        ...

    async def any_user(self) -> bool:
        """Say whether anybody has registered yet.

        In a unit of work that writes, nobody else can register until it ends.
        """
        ...

    async def by_session(self, token_hash: str) -> tuple[Session, User] | None:
        """Return a session and its user, in one statement."""
        ...

    async def by_api_key(self, key_hash: str) -> tuple[ApiKey, User] | None:
        """Return a key and its creator, in one statement."""
        ...

    async def add_workspace(self, workspace: Workspace) -> None:
        """Store a new workspace."""

    async def workspaces(self, limit: int) -> Sequence[Workspace]:
        """Return the oldest workspaces."""
        ...

    async def add_reset(self, reset: PasswordReset) -> None:
        """Store a password reset in place of the user's earlier ones."""

    async def reset(self, token_hash: str) -> PasswordReset | None:
        """Return the reset of that token."""
        ...

    async def take_reset(self, token_hash: str) -> PasswordReset | None:
        """Remove and return the reset of that token."""
        ...

    async def unended_runs(self) -> Sequence[Run]:
        """Return every run that has not ended, oldest first."""
        ...

    async def by_hook(self, token_hash: str) -> Hook | None:
        """Return the hook of that token."""
        ...

    async def due_schedules(self, at: datetime, *, limit: int) -> Sequence[Schedule]:
        """Return the enabled schedules whose next tick is not after *at*, longest due first."""
        ...

    async def remove_ended_runs(self, before: datetime, *, limit: int) -> int:
        """Delete up to *limit* runs that ended before a moment; return how many there were.

        Nothing is done and 0 returned while another process is at it.
        """
        ...

    async def remove_old_notifications(self, before: datetime, *, limit: int) -> int:
        """Delete up to *limit* notifications from before a moment; return how many there were.

        Nothing is done and 0 returned while another process is at it.
        """
        ...
