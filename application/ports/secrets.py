"""Where secrets are kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from orbiter.application.paging import Page, PageRequest
from orbiter.application.ports.repositories import Repository
from orbiter.domain.secrets import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretFilter:
    """Which secrets are listed."""

    project_id: str | None = None


class SecretRepository(Repository[Secret], Protocol):
    """Secrets of the workspace; those of a project go with it.

    `add` and `save` raise Conflict when the project, or the workspace for those of no project, has
    another of the same name.
    """

    async def page(self, request: PageRequest, only: SecretFilter) -> Page[Secret]:
        """Return a page of the secrets that match."""
        ...

    async def count(self) -> int:
        """Count the secrets of the workspace.

        In a unit of work that writes, the next one who asks waits until it ends.
        """
        ...

    async def seen_by(self, project_id: str | None) -> Sequence[Secret]:
        """Return the secrets of the workspace and of a project, these last."""
        ...
