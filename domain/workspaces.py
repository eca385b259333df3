"""A workspace: the tenant. Every row but users' credentials belongs to exactly one."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """What a team shares and nobody else sees."""

    id: str
    name: str
    created_at: datetime
