"""Secret use cases: their values come in and are never told."""

from dataclasses import dataclass
from typing import Final

from orbiter.application.paging import Page, PageRequest
from orbiter.application.ports.secrets import SecretFilter
from orbiter.application.references import reference_problems
from orbiter.application.sealing import Seals
from orbiter.application.work import Work
from orbiter.domain.checks import require
from orbiter.domain.errors import Conflict
from orbiter.domain.identity import Actor, Permission
from orbiter.domain.secrets import (
    PER_WORKSPACE_MAX,
    Secret,
    SecretChanges,
    name_problems,
    value_problems,
)

KIND: Final = "secret"


@dataclass(frozen=True, slots=True)
class SecretHandlers:
    """What an actor may do with secrets."""

    work: Work
    seals: Seals

    async def create(
        self, actor: Actor, *, name: str, value: str, project_id: str | None = None
    ) -> Secret:
        """Add a secret to a project, or to the workspace; raise Invalid with all that is wrong.

        Raise Conflict when there is one of that name, or no room for more.
        """
        now, id = self.work.clock.now(), self.work.new_id()
        async with self.work(actor, Permission.SECRETS_WRITE) as uow:
            unknown = await reference_problems("project_id", uow.projects.get, project_id)
            require(unknown, name_problems(name), value_problems(value))
            if await uow.secrets.count() >= PER_WORKSPACE_MAX:
                raise Conflict(f"A workspace has at most {PER_WORKSPACE_MAX} secrets")
            secret = Secret(
                id=id,
                workspace_id=actor.workspace_id,
                project_id=project_id,
                name=name,
                sealed_value=self._sealed(actor.workspace_id, id, value),
                created_by=actor.user_id,
                created_at=now,
                updated_at=now,
            )
            await uow.secrets.add(secret)
            await self.work.audit(uow, actor, "secret.created", id)
        return secret

    async def get(self, actor: Actor, secret_id: str) -> Secret:
        """Return a secret, whose value stays sealed."""
        async with self.work(actor, Permission.SECRETS_READ) as uow:
            return await uow.secrets.get(secret_id)

    async def page(self, actor: Actor, request: PageRequest, only: SecretFilter) -> Page[Secret]:
        """Return a page of the secrets that match."""
        async with self.work(actor, Permission.SECRETS_READ) as uow:
            return await uow.secrets.page(request, only)

    async def revise(
        self, actor: Actor, secret_id: str, *, name: str | None = None, value: str | None = None
    ) -> Secret:
        """Change what is given; raise Conflict when there is one of that name."""
        async with self.work(actor, Permission.SECRETS_WRITE) as uow:
            secret = await uow.secrets.get(secret_id)
            require(name_problems(name), value_problems(value))
            changes: SecretChanges = {} if name is None else {"name": name}
            if value is not None:
                changes["sealed_value"] = self._sealed(secret.workspace_id, secret_id, value)
            secret = secret.revise(at=self.work.clock.now(), **changes)
            await uow.secrets.save(secret)
            await self.work.audit(uow, actor, "secret.updated", secret_id)
        return secret

    async def remove(self, actor: Actor, secret_id: str) -> None:
        """Delete a secret; what needs it fails from now on."""
        async with self.work(actor, Permission.SECRETS_WRITE) as uow:
            await uow.secrets.remove(secret_id)
            await self.work.audit(uow, actor, "secret.deleted", secret_id)

    def _sealed(self, workspace_id: str, secret_id: str, value: str) -> bytes:
        return self.seals.seal(KIND, workspace_id, secret_id, value)
