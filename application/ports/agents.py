"""Where agents are kept."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

from orbiter.application.paging import Page, PageRequest
from orbiter.application.ports.versions import VersionedRepository
from orbiter.domain.agents import Agent, AgentStatus, AgentVersion


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentFilter:
    """Which agents are listed."""

    project_id: str | None = None
    status: AgentStatus | None = None


class AgentRepository(VersionedRepository[Agent, AgentVersion], Protocol):
    """Agents and their versions; an agent's conversations go with it, its runs stay."""

    async def page(self, request: PageRequest, only: AgentFilter) -> Page[Agent]:
        """Return a page of the agents that match."""
        ...

    async def known(self, ids: Collection[str]) -> Collection[str]:
        """Return those of the *ids* that agents here have."""
        ...
