"""Where tools are kept."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

from orbiter.application.paging import Page, PageRequest
from orbiter.application.ports.repositories import Repository
from orbiter.domain.tools import Tool, ToolKind


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolFilter:
    """Which tools are listed; *q* is looked for in name and description, where case does not
    count.
    """

    project_id: str | None = None
    kind: ToolKind | None = None
    q: str | None = None


class ToolRepository(Repository[Tool], Protocol):
    """The tools of a workspace, those built in left out; those of a project go with it.

    `add` and `save` raise Conflict when the project has another of the same name. Removing a
    remote server removes the tools it offers.
    """

    async def page(self, request: PageRequest, only: ToolFilter) -> Page[Tool]:
        """Return a page of the tools that match."""
        ...

    async def several(self, ids: Collection[str]) -> Mapping[str, Tool]:
        """Return those of the tools that there are, by id."""
        ...

    async def names(self, project_id: str) -> Collection[str]:
        """Return the names that a project's tools have."""
        ...

    async def of_server(self, server_id: str) -> Mapping[str, Tool]:
        """Return the tools that a remote server offers, by id."""
        ...

    async def count_uses(self, uses: Mapping[str, int]) -> None:
        """Add to how often tools were used, by id; of those that are gone, nothing."""
