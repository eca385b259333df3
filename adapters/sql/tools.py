"""Tools in SQL."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKeyConstraint,
    Index,
    String,
    Table,
    Text,
    UniqueConstraint,
    bindparam,
    select,
    update,
)

from orbiter.adapters.sql.columns import Id, Instant, Json, OneOf
from orbiter.adapters.sql.failures import conflict
from orbiter.adapters.sql.metadata import metadata
from orbiter.adapters.sql.pages import pages_of
from orbiter.adapters.sql.references import belongs_to
from orbiter.adapters.sql.repository import Mapped, SqlRepository, Statements
from orbiter.adapters.sql.searching import containing, found_in
from orbiter.adapters.sql.transactions import Transaction
from orbiter.application.paging import Page, PageRequest
from orbiter.application.ports.tools import ToolFilter
from orbiter.domain.checks import is_id
from orbiter.domain.tools import NAME_MAX, Tool, ToolKind

tools: Final = Table(
    "tools",
    metadata,
    Column("id", Id, primary_key=True),
    Column("workspace_id", Id, nullable=False),
    Column("project_id", Id, nullable=False),
    Column("server_id", Id),
    Column("name", String(NAME_MAX), nullable=False),
    Column("description", Text, nullable=False),
    Column("kind", OneOf(ToolKind), nullable=False),
    Column("parameters", Json, nullable=False),
    Column("config", Json, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("usage_count", BigInteger, nullable=False),
    Column("searchable", Text, nullable=False),
    Column("created_by", Id),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    belongs_to("projects", "project_id", "Project"),
    ForeignKeyConstraint(
        ["workspace_id", "server_id"], ["tools.workspace_id", "tools.id"], ondelete="CASCADE"
    ),
    UniqueConstraint("project_id", "name", info=conflict("A tool with this name already exists")),
    # What a server offers refers to both: so it lies in the same workspace.
    UniqueConstraint("workspace_id", "id"),
    Index(None, "workspace_id", "project_id", "id"),
    Index(None, "workspace_id", "server_id"),
)

TOOLS: Final = Mapped(
    tools,
    Tool,
    read=[column for column in tools.columns if column.name not in ("server_id", "searchable")],
    derived=lambda tool: {"server_id": tool.server_id, "searchable": tool.searchable},
)

_STATEMENTS: Final = Statements(TOOLS, "Tool")
_MINE: Final = tools.c.workspace_id == bindparam("mine")
_PAGES: Final = pages_of(TOOLS, "project_id", "kind", q=found_in(tools.c.searchable))
_SEVERAL: Final = (
    select(*TOOLS.columns)
    .where(_MINE, tools.c.id.in_(bindparam("ids", expanding=True)))
    .order_by(tools.c.id)
)
_OF_SERVER: Final = (
    select(*TOOLS.columns)
    .where(_MINE, tools.c.server_id == bindparam("server_id"))
    .order_by(tools.c.id)
)
_NAMES: Final = select(tools.c.name).where(_MINE, tools.c.project_id == bindparam("project_id"))
_COUNT_USES: Final = (
    update(tools)
    .where(_MINE, tools.c.id == bindparam("the_id"))
    .values(usage_count=tools.c.usage_count + bindparam("uses"))
)


class SqlTools(SqlRepository[Tool]):
    """Tools of one workspace."""

    def __init__(self, transaction: Transaction, workspace_id: str) -> None:
        super().__init__(_STATEMENTS, transaction, workspace_id)

    async def page(self, request: PageRequest, only: ToolFilter) -> Page[Tool]:
        """Return a page of the tools that match."""
        wanted = {
            "mine": self._workspace_id,
            "project_id": only.project_id,
            "kind": only.kind,
            "q": None if only.q is None else containing(only.q),
        }
        return await _PAGES.page(self._transaction, wanted, request, request.id_after())

    async def several(self, ids: Collection[str]) -> Mapping[str, Tool]:
        """Return those of the tools that there are, by id."""
        known = [each for each in ids if is_id(each)]
        return await self._by_id(_SEVERAL, ids=known) if known else {}

    async def names(self, project_id: str) -> Collection[str]:
        """Return the names that a project's tools have."""
        which = {"mine": self._workspace_id, "project_id": project_id}
        return {row.name for row in await self._transaction.rows(_NAMES, which)}

    async def of_server(self, server_id: str) -> Mapping[str, Tool]:
        """Return the tools that a remote server offers, by id."""
        return await self._by_id(_OF_SERVER, server_id=server_id) if is_id(server_id) else {}

    async def count_uses(self, uses: Mapping[str, int]) -> None:
        """Add to how often tools were used, by id."""
        self._transaction.require_writing()
        # In one order: of two who count the same tools, one waits for the other.
        for tool_id in sorted(filter(is_id, uses)):
            values = {**self._which(tool_id), "uses": uses[tool_id]}
            await self._transaction.write(_COUNT_USES, values)

    async def _by_id(self, statement: Any, **parameters: Any) -> Mapping[str, Tool]:
        which = {"mine": self._workspace_id, **parameters}
        rows: Iterable[Any] = await self._transaction.rows(statement, which)
        return {row.id: TOOLS.entity(row) for row in rows}
