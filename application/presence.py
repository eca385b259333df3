"""Whether there is what a request is about, asked before telling what else is wrong with it."""

from dataclasses import dataclass
from typing import Any

from orbiter.application.work import Work
from orbiter.domain.identity import Actor, Permission


@dataclass(frozen=True, slots=True)
class Presence:
    """Look for rows with the permission of what is to be done with them, whichever it is."""

    work: Work

    async def require(
        self, actor: Actor, permission: Permission, kind: str, entity_id: str
    ) -> None:
        """Raise NotFound unless the actor's workspace holds *entity_id*.

        *kind* is the repository's name, e.g. `projects`.
        """
        async with self.work(actor, permission, reading=True) as uow:
            repository: Any = getattr(uow, kind)
            await repository.get(entity_id)
