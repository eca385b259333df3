"""Whether there is what a request is about, asked before telling what else is wrong with it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from orbiter.application.work import Work
from orbiter.domain.builtin_tools import BUILTIN_TOOLS
from orbiter.domain.errors import NotFound
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
        for absent in (await self.absent(actor, permission, kind, [entity_id])).values():
            raise absent

    async def absent(
        self, actor: Actor, permission: Permission, kind: str, ids: Iterable[str]
    ) -> Mapping[str, NotFound]:
        """Return which of *ids* the actor's workspace does not hold, with what is to be told."""
        found: dict[str, NotFound] = {}
        async with self.work(actor, permission, reading=True) as uow:
            repository: Any = getattr(uow, kind)
            for each in ids:
                if kind == "tools" and each in BUILTIN_TOOLS:
                    continue
                try:
                    await repository.get(each)
                except NotFound as absent:
                    found[each] = absent
        return found
