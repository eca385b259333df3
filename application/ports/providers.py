"""Where providers are kept."""

from collections.abc import Sequence
from typing import Protocol

from orbiter.application.paging import Page, PageRequest
from orbiter.application.ports.repositories import Repository
from orbiter.domain.providers import Provider


class ProviderRepository(Repository[Provider], Protocol):
    """Providers of the workspace; `add` and `save` raise Conflict when the name is another's."""

    async def page(self, request: PageRequest) -> Page[Provider]:
        """Return a page of all providers."""
        ...

    async def pool(self, word: str) -> Sequence[Provider]:
        """Return the enabled providers that have *word* for a name or a type.

        The lowest priority comes first, and of one priority the oldest.
        """
        ...

    async def default(self) -> Provider | None:
        """Return the enabled provider with a default model that comes first, as in a pool."""
        ...
