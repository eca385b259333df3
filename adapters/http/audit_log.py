"""/api/v1/audit-log: who did what."""

from typing import Annotated

from litestar import Controller, get
from litestar.di import NamedDependency, Provide
from litestar.params import FromQuery, QueryParameter

from orbiter.adapters.http.access import ActorRequest, requires
from orbiter.adapters.http.paging import PageOut, Pages
from orbiter.adapters.http.parameters import CreatedAfter, CreatedBefore, moment, text
from orbiter.adapters.http.wire import Id, Output, Timestamp
from orbiter.application.facade import Orbiter
from orbiter.application.ports.repositories import AuditFilter
from orbiter.domain.identity import Permission


class AuditEntryOut(Output):
    """One thing that was done or refused, e.g. `project.created`."""

    id: Id
    actor_id: Id | None
    actor_email: str | None
    api_key_id: Id | None
    action: str
    entity_type: str
    entity_id: str | None
    address: str | None
    created_at: Timestamp


Who = Annotated[str | None, QueryParameter(name="actor", description="A user's id or e-mail.")]


def audit_filter(
    actor: Who = None,
    action: FromQuery[str | None] = None,
    entity_type: FromQuery[str | None] = None,
    entity_id: FromQuery[str | None] = None,
    created_after: CreatedAfter = None,
    created_before: CreatedBefore = None,
) -> AuditFilter:
    """Return which entries are wanted."""
    return AuditFilter(
        actor=text(actor),
        action=text(action),
        entity_type=text(entity_type),
        entity_id=text(entity_id),
        created_after=moment("created_after", created_after),
        created_before=moment("created_before", created_before),
    )


class AuditLogController(Controller):
    """The workspace's audit log."""

    path = "/audit-log"
    tags = ("audit-log",)
    dependencies = {"only": Provide(audit_filter, sync_to_thread=False)}

    @get(opt=requires(Permission.AUDIT_READ), summary="Read the audit log")
    async def page(
        self,
        request: ActorRequest,
        core: NamedDependency[Orbiter],
        pages: NamedDependency[Pages],
        only: NamedDependency[AuditFilter],
    ) -> PageOut[AuditEntryOut]:
        """Return what was done or refused in the workspace, newest first."""
        return pages.show(
            await core.audit_log.page(request.user, pages.wanted, only), AuditEntryOut
        )
