"""Agents and their versions in SQL."""

from collections.abc import Collection
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKeyConstraint,
    Index,
    String,
    Table,
    Text,
    bindparam,
    select,
)
from sqlalchemy.dialects.postgresql import insert  # SQLite speaks it too

from orbiter.adapters.sql.columns import INTEGER_MAX, Id, Instant, Json, OneOf
from orbiter.adapters.sql.failures import missing
from orbiter.adapters.sql.metadata import metadata
from orbiter.adapters.sql.pages import Pages
from orbiter.adapters.sql.repository import Mapped, SqlRepository, Statements
from orbiter.adapters.sql.transactions import Transaction
from orbiter.application.paging import Page, PageRequest
from orbiter.application.ports.agents import AgentFilter
from orbiter.domain.agents import NAME_MAX, Agent, AgentStatus, AgentVersion, settings_of
from orbiter.domain.checks import is_id
from orbiter.domain.errors import Conflict, NotFound

agents: Final = Table(
    "agents",
    metadata,
    Column("id", Id, primary_key=True),
    Column("workspace_id", Id, nullable=False),
    Column("project_id", Id, nullable=False),
    Column("name", String(NAME_MAX), nullable=False),
    Column("description", Text),
    Column("settings", Json, nullable=False),
    Column("status", OneOf(AgentStatus), nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("created_by", Id, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    ForeignKeyConstraint(
        ["workspace_id", "project_id"],
        ["projects.workspace_id", "projects.id"],
        ondelete="CASCADE",
        info=missing("Project"),
    ),
    # Unique, because conversations refer to both: so they lie in the same workspace.
    Index("ix_agents_workspace_id_id", "workspace_id", "id", unique=True),
    Index(None, "workspace_id", "project_id", "id"),
)

versions: Final = Table(
    "agent_versions",
    metadata,
    Column("agent_id", Id, primary_key=True),
    Column("version", BigInteger, primary_key=True, autoincrement=False),
    Column("name", String(NAME_MAX), nullable=False),
    Column("description", Text),
    Column("settings", Json, nullable=False),
    Column("created_by", Id, nullable=False),
    Column("created_at", Instant, nullable=False),
    ForeignKeyConstraint(["agent_id"], ["agents.id"], ondelete="CASCADE", info=missing("Agent")),
)


def _agent(*, settings: Any, **rest: Any) -> Agent:
    return Agent(settings=settings_of(settings), **rest)


def _version(*, settings: Any, **rest: Any) -> AgentVersion:
    return AgentVersion(settings=settings_of(settings), **rest)


_AGENTS: Final = Mapped(agents, _agent)
_VERSIONS: Final = Mapped(versions, _version)
_STATEMENTS: Final = Statements(_AGENTS, "Agent")
_PAGES: Final = Pages(
    _AGENTS,
    agents.c.id,
    {
        "mine": agents.c.workspace_id == bindparam("mine"),
        "project_id": agents.c.project_id == bindparam("project_id"),
        "status": agents.c.status == bindparam("status", type_=agents.c.status.type),
    },
    ids=frozenset({"project_id"}),
)
_HEAD: Final = select(agents.c.id).where(
    agents.c.id == bindparam("the_id"), agents.c.workspace_id == bindparam("mine")
)
_KNOWN: Final = select(agents.c.id).where(
    agents.c.workspace_id == bindparam("mine"),
    agents.c.id.in_(bindparam("ids", expanding=True)),
)
_VERSION_PAGES: Final = Pages(
    _VERSIONS,
    versions.c.version,
    {"the_id": versions.c.agent_id == bindparam("the_id"), "mine": _HEAD.exists()},
    ids=frozenset({"the_id"}),
)
_ADD_VERSION: Final = insert(versions).on_conflict_do_nothing(
    index_elements=[versions.c.agent_id, versions.c.version]
)
_VERSION: Final = select(*_VERSIONS.columns).where(
    versions.c.agent_id == bindparam("the_id"),
    versions.c.version == bindparam("number"),
    _HEAD.exists(),
)


class SqlAgents(SqlRepository[Agent]):
    """Agents of one workspace."""

    def __init__(self, transaction: Transaction, workspace_id: str) -> None:
        super().__init__(_STATEMENTS, transaction, workspace_id)

    async def page(self, request: PageRequest, only: AgentFilter) -> Page[Agent]:
        """Return a page of the agents that match."""
        wanted: dict[str, Any] = {"mine": self._workspace_id}
        if only.project_id is not None:
            wanted["project_id"] = only.project_id
        if only.status is not None:
            wanted["status"] = only.status
        return await _PAGES.page(self._transaction, wanted, request, request.id_after())

    async def known(self, ids: Collection[str]) -> Collection[str]:
        """Return those of the *ids* that agents here have."""
        which = {"mine": self._workspace_id, "ids": [each for each in ids if is_id(each)]}
        return {row.id for row in await self._transaction.rows(_KNOWN, which)}

    async def add_version(self, version: AgentVersion) -> None:
        """Store a new version of an agent of this workspace."""
        self._transaction.require_writing()
        which = self._which(version.agent_id)
        if not is_id(version.agent_id) or not await self._transaction.first(_HEAD, which):
            raise NotFound("Agent")
        if not (await self._transaction.write(_ADD_VERSION, _VERSIONS.row(version))).rowcount:
            raise Conflict("Agent version with this number already exists")

    async def version(self, agent_id: str, number: int) -> AgentVersion:
        """Return a version or raise NotFound."""
        row = None
        if is_id(agent_id) and 0 < number <= INTEGER_MAX:
            which = {**self._which(agent_id), "number": number}
            row = await self._transaction.first(_VERSION, which)
        if row is None:
            raise NotFound("Agent version")
        return _VERSIONS.entity(row)

    async def versions(self, agent_id: str, request: PageRequest) -> Page[AgentVersion]:
        """Return a page of versions, by number."""
        which = self._which(agent_id)
        return await _VERSION_PAGES.page(self._transaction, which, request, request.number_after())
