"""The only door to storage: no permission, no unit of work."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from orbiter.application.ports.storage import Storage, UnitOfWork
from orbiter.application.ports.system import Clock, IdFactory
from orbiter.domain.audit_log import AuditEntry
from orbiter.domain.errors import Forbidden
from orbiter.domain.identity import Actor, Permission


@dataclass(frozen=True, slots=True)
class Work:
    """Check the actor, then open its workspace; what changes there is told to the audit log."""

    storage: Storage
    clock: Clock
    new_id: IdFactory

    def __call__(
        self, actor: Actor, permission: Permission, *, reading: bool = False
    ) -> AbstractAsyncContextManager[UnitOfWork]:
        """Return a unit of work for *actor*, or raise Forbidden.

        One that is *reading* takes no lock and can't write; with a permission that only reads
        there is no other.
        """
        if not actor.may(permission):
            raise Forbidden(f"The permission {permission} is required")
        return self.storage.open(actor.workspace_id, reading=reading or permission.reads)

    async def audit(
        self,
        uow: UnitOfWork,
        actor: Actor,
        action: str,
        entity_id: str | None = None,
        *,
        entity_type: str | None = None,
    ) -> None:
        """Tell the audit log, in the same transaction, that *actor* did *action*.

        *action* is `<noun>.<verb>`, e.g. `project.created`; the noun is the entity's type unless
        another *entity_type* is given.
        """
        entry = AuditEntry(
            id=self.new_id(),
            workspace_id=actor.workspace_id,
            actor_id=actor.user_id,
            actor_email=actor.email or None,
            api_key_id=actor.api_key_id,
            action=action,
            entity_type=entity_type or action.partition(".")[0],
            entity_id=entity_id,
            address=actor.address,
            created_at=self.clock.now(),
        )
        await uow.audit_log.add(entry)
