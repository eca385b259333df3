"""An agent: its head, and its versions, which never change."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import TypedDict, Unpack

from orbiter.domain.agents.settings import AgentSettings
from orbiter.domain.checks import naming_problems, require
from orbiter.domain.versions import copied


class AgentStatus(StrEnum):
    """Whether its owner calls it ready."""

    DRAFT = "draft"
    ACTIVE = "active"
    ARCHIVED = "archived"


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentVersion:
    """One state of an agent, numbered from 1, immutable."""

    agent_id: str
    version: int
    name: str
    description: str | None = None
    settings: AgentSettings = AgentSettings()
    created_by: str
    created_at: datetime


class AgentChanges(TypedDict, total=False):
    """Fields of the head a caller may revise; an absent key means leave it alone."""

    name: str
    description: str | None
    status: AgentStatus
    project_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """The head: *settings* are those of *version*, its latest; *revision* counts every change."""

    id: str
    workspace_id: str
    project_id: str
    name: str
    description: str | None = None
    settings: AgentSettings = AgentSettings()
    status: AgentStatus = AgentStatus.DRAFT
    version: int = 1
    revision: int = 1
    created_by: str
    created_at: datetime
    updated_at: datetime

    def __post_init__(self) -> None:
        require(naming_problems(self.name, self.description))

    def revise(self, *, at: datetime, **changes: Unpack[AgentChanges]) -> "Agent":
        """Return the agent with *changes* applied."""
        return replace(self, revision=self.revision + 1, updated_at=at, **changes)

    def show(self, settings: AgentSettings) -> "Agent":
        """Return the agent with *settings* as its next version."""
        return replace(self, settings=settings, version=self.version + 1)

    def snapshot(self, *, by: str, at: datetime) -> AgentVersion:
        """Return the version that the agent is at, as it is now."""
        return AgentVersion(
            agent_id=self.id,
            version=self.version,
            name=self.name,
            description=self.description,
            settings=self.settings,
            created_by=by,
            created_at=at,
        )

    def copy(self, *, id: str, by: str, at: datetime) -> "Agent":
        """Return a draft of the same content named `<name> (copy)`, at version 1."""
        return replace(
            self,
            id=id,
            name=copied(self.name),
            status=AgentStatus.DRAFT,
            version=1,
            revision=1,
            created_by=by,
            created_at=at,
            updated_at=at,
        )
