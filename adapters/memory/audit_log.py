"""The audit log in memory."""

from orbiter.adapters.memory.repository import MemoryRepository, page_of
from orbiter.adapters.memory.tables import Tables
from orbiter.application.paging import Page, PageRequest
from orbiter.application.ports.repositories import AuditFilter
from orbiter.domain.audit_log import AuditEntry
from orbiter.domain.users import same_email


class MemoryAuditLog(MemoryRepository[AuditEntry]):
    """The audit log of one workspace."""

    def __init__(self, tables: Tables, workspace_id: str) -> None:
        super().__init__(tables.audit_log, workspace_id, "Audit entry")

    async def page(self, request: PageRequest, only: AuditFilter) -> Page[AuditEntry]:
        """Return a page of the entries that match."""
        return page_of((entry for entry in self._mine() if _matches(entry, only)), request)


def _matches(entry: AuditEntry, only: AuditFilter) -> bool:
    return (
        (only.actor is None or _is_by(entry, only.actor))
        and only.action in (None, entry.action)
        and only.entity_type in (None, entry.entity_type)
        and only.entity_id in (None, entry.entity_id)
        and (only.created_after is None or entry.created_at >= only.created_after)
        and (only.created_before is None or entry.created_at < only.created_before)
    )


def _is_by(entry: AuditEntry, actor: str) -> bool:
    return entry.actor_id == actor or (
        entry.actor_email is not None and same_email(entry.actor_email) == same_email(actor)
    )
