"""Where workflows are kept."""

from dataclasses import dataclass
from typing import Protocol

from orbiter.application.paging import Page, PageRequest
from orbiter.application.ports.versions import VersionedRepository
from orbiter.domain.workflows import Workflow, WorkflowVersion


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowFilter:
    """Which workflows are listed."""

    project_id: str | None = None


class WorkflowRepository(VersionedRepository[Workflow, WorkflowVersion], Protocol):
    """Workflows and their versions; what starts a workflow goes with it, its runs stay."""

    async def page(self, request: PageRequest, only: WorkflowFilter) -> Page[Workflow]:
        """Return a page of the workflows that match."""
        ...
