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

from orbiter.adapters.sql.columns import Id, Instant, Json, OneOf
from orbiter.adapters.sql.failures import missing
from orbiter.adapters.sql.metadata import metadata
from orbiter.adapters.sql.pages import pages_of
from orbiter.adapters.sql.references import belongs_to
from orbiter.adapters.sql.repository import Mapped, Statements
from orbiter.adapters.sql.transactions import Transaction
from orbiter.adapters.sql.versions import SqlVersioned, VersionCache, Versions
from orbiter.application.paging import Page, PageRequest
from orbiter.application.ports.agents import AgentFilter
from orbiter.domain.agents import Agent, AgentStatus, AgentVersion, settings_of
from orbiter.domain.checks import NAME_MAX, is_id

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
    belongs_to("projects", "project_id", "Project"),
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
_STATEMENTS: Final = Statements(_AGENTS, "Agent")
_VERSIONS: Final = Versions(Mapped(versions, _version), _STATEMENTS)
_PAGES: Final = pages_of(_AGENTS, "project_id", "status")
_KNOWN: Final = select(agents.c.id).where(
    agents.c.workspace_id == bindparam("mine"),
    agents.c.id.in_(bindparam("ids", expanding=True)),
)


class SqlAgents(SqlVersioned[Agent, AgentVersion]):
    """Agents of one workspace, and their versions."""

    def __init__(
        self, transaction: Transaction, workspace_id: str, cache: VersionCache[AgentVersion]
    ) -> None:
        super().__init__(_STATEMENTS, _VERSIONS, transaction, workspace_id, cache)

    async def page(self, request: PageRequest, only: AgentFilter) -> Page[Agent]:
        """Return a page of the agents that match."""
        wanted = {
            "mine": self._workspace_id,
            "project_id": only.project_id,
            "status": only.status,
        }
        return await _PAGES.page(self._transaction, wanted, request, request.id_after())

    async def known(self, ids: Collection[str]) -> Collection[str]:
        """Return those of the *ids* that agents here have."""
        which = {"mine": self._workspace_id, "ids": [each for each in ids if is_id(each)]}
        return {row.id for row in await self._transaction.rows(_KNOWN, which)}
