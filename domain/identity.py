"""Who is asking, and what they may do. What is not granted here is denied."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Permission(StrEnum):
    """One verb on one kind of resource; the verb is `read`, `write` or `run`."""

    ACCOUNT_READ = "account:read"
    ACCOUNT_WRITE = "account:write"
    AGENTS_READ = "agents:read"
    AGENTS_WRITE = "agents:write"
    AGENTS_RUN = "agents:run"
    API_KEYS_READ = "api_keys:read"
    API_KEYS_WRITE = "api_keys:write"
    API_KEYS_MANAGE = "api_keys_of_others:write"
    AUDIT_READ = "audit_log:read"
    CI_READ = "ci:read"
    CI_RUN = "ci:run"
    CONVERSATIONS_READ = "conversations:read"
    CONVERSATIONS_WRITE = "conversations:write"
    CONVERSATIONS_RUN = "conversations:run"
    HOOKS_READ = "hooks:read"
    HOOKS_WRITE = "hooks:write"
    MEMBERS_READ = "members:read"
    MEMBERS_WRITE = "members:write"
    NOTIFICATIONS_READ = "notifications:read"
    NOTIFICATIONS_WRITE = "notifications:write"
    PRICES_READ = "prices:read"
    PRICES_WRITE = "prices:write"
    PROJECTS_READ = "projects:read"
    PROJECTS_WRITE = "projects:write"
    PROVIDERS_READ = "providers:read"
    PROVIDERS_WRITE = "providers:write"
    RUNS_READ = "runs:read"
    RUNS_WRITE = "runs:write"
    SCHEDULES_READ = "schedules:read"
    SCHEDULES_WRITE = "schedules:write"
    SECRETS_READ = "secrets:read"
    SECRETS_WRITE = "secrets:write"
    TOOLS_READ = "tools:read"
    TOOLS_WRITE = "tools:write"
    TOOLS_RUN = "tools:run"
    WORKFLOWS_READ = "workflows:read"
    WORKFLOWS_WRITE = "workflows:write"
    WORKFLOWS_RUN = "workflows:run"

    @property
    def verb(self) -> str:
        """Return `read`, `write` or `run`."""
        return self.value.rpartition(":")[2]

    @property
    def noun(self) -> str:
        """Return the kind of thing it is about, as the audit log names it: `project`, `api_key`."""
        resource = self.value.partition(":")[0]
        return resource.removesuffix("_of_others").removesuffix("s")

    @property
    def reads(self) -> bool:
        """Say whether nothing can be changed with it."""
        return self.verb == "read"


class Role(StrEnum):
    """A member's place in the workspace, each holding what the ones before it hold."""

    VIEWER = "viewer"
    DEVELOPER = "developer"
    ADMIN = "admin"


class Scope(StrEnum):
    """What an API key opens; never more than its creator's role does."""

    CI = "ci"
    READ = "read"
    WRITE = "write"
    RUN = "run"


# Each role is written out on top of the one before it: a permission that nobody thought of is
# nobody's.
_VIEWER: Final = frozenset(
    {
        Permission.ACCOUNT_READ,
        Permission.ACCOUNT_WRITE,
        Permission.AGENTS_READ,
        Permission.API_KEYS_READ,
        Permission.CI_READ,
        Permission.CONVERSATIONS_READ,
        Permission.HOOKS_READ,
        Permission.MEMBERS_READ,
        Permission.NOTIFICATIONS_READ,
        Permission.NOTIFICATIONS_WRITE,
        Permission.PRICES_READ,
        Permission.PROJECTS_READ,
        Permission.PROVIDERS_READ,
        Permission.RUNS_READ,
        Permission.SCHEDULES_READ,
        Permission.SECRETS_READ,
        Permission.TOOLS_READ,
        Permission.WORKFLOWS_READ,
    }
)
_DEVELOPER: Final = _VIEWER | {
    Permission.AGENTS_RUN,
    Permission.AGENTS_WRITE,
    Permission.API_KEYS_WRITE,
    Permission.CI_RUN,
    Permission.CONVERSATIONS_RUN,
    Permission.CONVERSATIONS_WRITE,
    Permission.HOOKS_WRITE,
    Permission.PRICES_WRITE,
    Permission.PROJECTS_WRITE,
    Permission.RUNS_WRITE,
    Permission.SCHEDULES_WRITE,
    Permission.SECRETS_WRITE,
    Permission.TOOLS_RUN,
    Permission.TOOLS_WRITE,
    Permission.WORKFLOWS_RUN,
    Permission.WORKFLOWS_WRITE,
}
_ADMIN: Final = _DEVELOPER | {
    Permission.API_KEYS_MANAGE,
    Permission.AUDIT_READ,
    Permission.MEMBERS_WRITE,
    Permission.PROVIDERS_WRITE,
}
_CI: Final = frozenset({Permission.CI_READ, Permission.CI_RUN})

GRANTED: Final[Mapping[Role, frozenset[Permission]]] = {
    Role.VIEWER: _VIEWER,
    Role.DEVELOPER: _DEVELOPER,
    Role.ADMIN: _ADMIN,
}


def permissions_of(role: Role, scopes: Iterable[Scope] | None = None) -> frozenset[Permission]:
    """Return what *role* grants, cut down to an API key's *scopes* when there are any.

    Scope `ci` opens the CI routes alone; `read`, `write` and `run` open the rest verb by verb.
    """
    granted = GRANTED[role]
    if scopes is None:
        return granted
    opened = frozenset(scopes)
    return frozenset(
        permission
        for permission in granted
        if (Scope.CI if permission in _CI else Scope(permission.verb)) in opened
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """An authenticated caller; *session_id* or *api_key_id* say by what it authenticated.

    *renewed* says that this use has put off the session's end: a browser's cookie must follow.
    """

    user_id: str
    workspace_id: str
    role: Role
    permissions: frozenset[Permission]
    email: str = ""
    session_id: str | None = None
    api_key_id: str | None = None
    address: str | None = None
    renewed: bool = False

    def may(self, permission: Permission) -> bool:
        """Say whether the actor holds *permission*."""
        return permission in self.permissions
