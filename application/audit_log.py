"""Audit log use cases."""

from dataclasses import dataclass

from orbiter.application.paging import Page, PageRequest
from orbiter.application.ports.repositories import AuditFilter
from orbiter.application.work import Work
from orbiter.domain.audit_log import AuditEntry
from orbiter.domain.identity import Actor, Permission


@dataclass(frozen=True, slots=True)
class AuditLogHandlers:
    """What is read from the audit log, and the one entry that nobody's use case writes."""

    work: Work

    async def page(self, actor: Actor, request: PageRequest, only: AuditFilter) -> Page[AuditEntry]:
        """Return a page of the entries that match."""
        async with self.work(actor, Permission.AUDIT_READ) as uow:
            return await uow.audit_log.page(request, only)

    async def refused(self, actor: Actor, permission: Permission) -> None:
        """Record `access.refused`: *actor* asked for what needs *permission* and lacks it."""
        # Past the door on purpose: the entry is about somebody who may not go through it.
        async with self.work.storage.open(actor.workspace_id) as uow:
            await self.work.audit(uow, actor, "access.refused", entity_type=permission.noun)
