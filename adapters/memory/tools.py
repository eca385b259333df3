"""Tools in memory."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from orbiter.adapters.memory.repository import MemoryRepository, page_of, require
from orbiter.adapters.memory.tables import Tables
from orbiter.application.paging import Page, PageRequest
from orbiter.application.ports.tools import ToolFilter
from orbiter.domain.errors import Conflict
from orbiter.domain.searching import folded
from orbiter.domain.tools import Tool


class MemoryTools(MemoryRepository[Tool]):
    """Tools of one workspace."""

    def __init__(self, tables: Tables, workspace_id: str) -> None:
        super().__init__(tables.tools, workspace_id, "Tool")
        self._tables = tables

    async def remove(self, entity_id: str) -> None:
        """Delete the tool, and those it offers if it is a server."""
        await super().remove(entity_id)
        for offered in await self.of_server(entity_id):
            self._rows.drop(offered)

    async def page(self, request: PageRequest, only: ToolFilter) -> Page[Tool]:
        """Return a page of the tools that match."""
        return page_of((tool for tool in self._mine() if _matches(tool, only)), request)

    async def several(self, ids: Collection[str]) -> Mapping[str, Tool]:
        """Return those of the tools that there are, by id."""
        return _by_id(tool for tool in self._mine() if tool.id in ids)

    async def names(self, project_id: str) -> Collection[str]:
        """Return the names that a project's tools have."""
        return {tool.name for tool in self._mine() if tool.project_id == project_id}

    async def of_server(self, server_id: str) -> Mapping[str, Tool]:
        """Return the tools that a remote server offers, by id."""
        return _by_id(tool for tool in self._mine() if tool.server_id == server_id)

    async def count_uses(self, uses: Mapping[str, int]) -> None:
        """Add to how often tools were used, by id."""
        self._rows.for_writing()
        for tool in (await self.several(uses)).values():
            counted = replace(tool, usage_count=tool.usage_count + uses[tool.id])
            self._rows.put(tool.id, counted)

    def _check(self, entity: Tool) -> None:
        require(self._tables.projects, entity.project_id, entity.workspace_id, "Project")
        if entity.server_id:
            require(self._rows, entity.server_id, entity.workspace_id, "Tool")
        for other in self._mine():
            same = (other.project_id, other.name) == (entity.project_id, entity.name)
            if same and other.id != entity.id:
                raise Conflict("A tool with this name already exists")


def _by_id(tools: Iterable[Tool]) -> Mapping[str, Tool]:
    return {tool.id: tool for tool in sorted(tools, key=lambda tool: tool.id)}


def _matches(tool: Tool, only: ToolFilter) -> bool:
    return (
        only.project_id in (None, tool.project_id)
        and only.kind in (None, tool.kind)
        and (only.q is None or folded(only.q) in tool.searchable)
    )
