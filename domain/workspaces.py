"""A workspace: the tenant. Every row but users' credentials belongs to exactly one."""

from dataclasses import dataclass
from datetime import datetime

from orbiter.domain.users import User


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """What a team shares and nobody else sees."""

    id: str
    name: str
    created_at: datetime

    @classmethod
    def of(cls, user: User) -> "Workspace":
        """Return the workspace that is made for its first user, and named after it."""
        name = user.name or user.email.partition("@")[0]
        return cls(id=user.workspace_id, name=name, created_at=user.created_at)
