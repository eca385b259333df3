"""The audit log: who did what to what, when, from where. Never a secret, never changed."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One thing that was done or refused; *action* is `<noun>.<verb>`, e.g. `project.created`."""

    id: str
    workspace_id: str
    actor_id: str | None
    actor_email: str | None
    api_key_id: str | None = None
    action: str
    entity_type: str
    entity_id: str | None
    address: str | None
    created_at: datetime
