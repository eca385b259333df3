"""Agent use cases: the head, its versions, restoring and copying."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, TypedDict, Unpack

from orbiter.application.paging import Page, PageRequest
from orbiter.application.ports.agents import AgentFilter
from orbiter.application.ports.storage import UnitOfWork
from orbiter.application.ports.templating import Schemas
from orbiter.application.references import reference_problems
from orbiter.application.work import Work
from orbiter.domain.agents import (
    REFERENCES,
    Agent,
    AgentChanges,
    AgentSettings,
    AgentStatus,
    AgentVersion,
    Guardrails,
    Memory,
)
from orbiter.domain.builtin_tools import BUILTIN_TOOLS
from orbiter.domain.checks import naming_problems
from orbiter.domain.errors import FieldProblem, Invalid
from orbiter.domain.identity import Actor, Permission
from orbiter.domain.versions import require_revision


class SettingChanges(TypedDict, total=False):
    """Settings a caller may revise; each change makes a version."""

    instructions: str | None
    model: str | None
    temperature: float | None
    top_p: float | None
    max_tokens: int | None
    max_turns: int
    parallel_tool_calls: bool
    tool_choice: str | Mapping[str, str]
    tools: tuple[str, ...]
    knowledge_bases: tuple[str, ...]
    sub_agents: tuple[str, ...]
    handoffs: tuple[str, ...]
    memory: Memory
    output_schema: Mapping[str, Any] | None
    guardrails: Guardrails


class AgentRevision(AgentChanges, SettingChanges, total=False):
    """Everything a caller may revise."""


NO_PATTERN: Final = "Input should be a regular expression without look-around and back-references"
_SETTINGS: Final = frozenset(SettingChanges.__annotations__)


@dataclass(frozen=True, slots=True)
class AgentHandlers:
    """What an actor may do with agents, but for running them."""

    work: Work
    schemas: Schemas

    async def create(
        self,
        actor: Actor,
        *,
        project_id: str,
        name: str,
        description: str | None = None,
        status: AgentStatus = AgentStatus.DRAFT,
        **settings: Unpack[SettingChanges],
    ) -> Agent:
        """Add an agent to a project; raise Invalid for what it refers to and is not the actor's."""
        now = self.work.clock.now()
        chosen = AgentSettings(**settings)
        async with self.work(actor, Permission.AGENTS_WRITE) as uow:
            named = naming_problems(name, description)
            await self._require_sound(uow, chosen, project_id, named)
            agent = Agent(
                id=self.work.new_id(),
                workspace_id=actor.workspace_id,
                project_id=project_id,
                name=name,
                description=description,
                settings=chosen,
                status=status,
                created_by=actor.user_id,
                created_at=now,
                updated_at=now,
            )
            await self._add(uow, actor, agent)
        return agent

    async def get(self, actor: Actor, agent_id: str) -> Agent:
        """Return an agent."""
        async with self.work(actor, Permission.AGENTS_READ) as uow:
            return await uow.agents.get(agent_id)

    async def page(self, actor: Actor, request: PageRequest, only: AgentFilter) -> Page[Agent]:
        """Return a page of the agents that match."""
        async with self.work(actor, Permission.AGENTS_READ) as uow:
            return await uow.agents.page(request, only)

    async def revise(
        self,
        actor: Actor,
        agent_id: str,
        *,
        expected: Collection[int] | None = None,
        **changes: Unpack[AgentRevision],
    ) -> Agent:
        """Change the fields given; raise Conflict when the revision is none of the *expected*."""
        now = self.work.clock.now()
        async with self.work(actor, Permission.AGENTS_WRITE) as uow:
            before = await uow.agents.get(agent_id)
            require_revision("agent", before.revision, expected)
            settings = replace(before.settings, **_picked(changes, _SETTINGS))
            named = naming_problems(changes.get("name"), changes.get("description"))
            await self._require_sound(
                uow, settings, changes.get("project_id"), named, known=before.settings
            )
            head = _picked(changes, AgentChanges.__annotations__)
            agent = await self._store(uow, before.revise(at=now, **head), settings, actor, now)
            await self.work.audit(uow, actor, "agent.updated", agent_id)
        return agent

    async def remove(self, actor: Actor, agent_id: str) -> None:
        """Delete an agent and its versions; its runs stay."""
        async with self.work(actor, Permission.AGENTS_WRITE) as uow:
            await uow.agents.remove(agent_id)
            await self.work.audit(uow, actor, "agent.deleted", agent_id)

    async def duplicate(self, actor: Actor, agent_id: str) -> Agent:
        """Add a copy named `<name> (copy)`, at version 1."""
        now = self.work.clock.now()
        async with self.work(actor, Permission.AGENTS_WRITE) as uow:
            source = await uow.agents.get(agent_id)
            agent = source.copy(id=self.work.new_id(), by=actor.user_id, at=now)
            await self._add(uow, actor, agent)
        return agent

    async def versions(
        self, actor: Actor, agent_id: str, request: PageRequest
    ) -> Page[AgentVersion]:
        """Return a page of an agent's versions."""
        async with self.work(actor, Permission.AGENTS_READ) as uow:
            await uow.agents.get(agent_id)
            return await uow.agents.versions(agent_id, request)

    async def version(self, actor: Actor, agent_id: str, number: int) -> AgentVersion:
        """Return one version of an agent."""
        async with self.work(actor, Permission.AGENTS_READ) as uow:
            return await uow.agents.version(agent_id, number)

    async def restore(self, actor: Actor, agent_id: str, number: int) -> Agent:
        """Make an old version's name, description and settings the latest, as a new version."""
        now = self.work.clock.now()
        async with self.work(actor, Permission.AGENTS_WRITE) as uow:
            before = await uow.agents.get(agent_id)
            old = await uow.agents.version(agent_id, number)
            revised = before.revise(at=now, name=old.name, description=old.description)
            agent = revised.show(old.settings)
            await uow.agents.add_version(agent.snapshot(by=actor.user_id, at=now))
            await uow.agents.save(agent)
            await self.work.audit(uow, actor, "agent.restored", agent_id)
        return agent

    async def _add(self, uow: UnitOfWork, actor: Actor, agent: Agent) -> None:
        await uow.agents.add(agent)
        await uow.agents.add_version(agent.snapshot(by=actor.user_id, at=agent.created_at))
        await self.work.audit(uow, actor, "agent.created", agent.id)

    async def _store(
        self, uow: UnitOfWork, agent: Agent, settings: AgentSettings, by: Actor, at: datetime
    ) -> Agent:
        """Store the agent, with a new version if what versions keep has changed."""
        kept = await uow.agents.version(agent.id, agent.version)
        if (agent.name, agent.description, settings) != (
            kept.name,
            kept.description,
            kept.settings,
        ):
            agent = agent.show(settings)
            await uow.agents.add_version(agent.snapshot(by=by.user_id, at=at))
        await uow.agents.save(agent)
        return agent

    async def _require_sound(
        self,
        uow: UnitOfWork,
        settings: AgentSettings,
        project_id: str | None,
        named: Iterator[FieldProblem],
        *,
        known: AgentSettings | None = None,
    ) -> None:
        """Raise Invalid with everything that is wrong, all at once.

        What was *known* before is not looked at again: it may have been deleted since.
        """
        found = [*named, *settings.problems(), *self._schema_problems(settings)]
        found += await reference_problems("project_id", uow.projects.get, project_id)
        for name in REFERENCES:
            ids: Sequence[str] = getattr(settings, name)
            old = frozenset(getattr(known, name)) if known is not None else frozenset()
            unknown = await _absent(uow, name, [each for each in ids if each not in old])
            found += [
                FieldProblem(f"{name}.{at}", f"{_NOUNS[name]} not found")
                for at, each in enumerate(ids)
                if each in unknown
            ]
        if found:
            raise Invalid(found)

    def _schema_problems(self, settings: AgentSettings) -> Iterator[FieldProblem]:
        if settings.output_schema is not None:
            for complaint in self.schemas.complaints(settings.output_schema):
                yield FieldProblem("output_schema", complaint)
        for at, pattern in enumerate(settings.guardrails.blocked_patterns):
            if not self.schemas.is_pattern(pattern):
                yield FieldProblem(f"guardrails.blocked_patterns.{at}", NO_PATTERN)


_NOUNS: Final = {
    "tools": "Tool",
    "knowledge_bases": "Knowledge base",
    "sub_agents": "Agent",
    "handoffs": "Agent",
}


async def _absent(uow: UnitOfWork, name: str, ids: Collection[str]) -> frozenset[str]:
    """Return those of the *ids* that name nothing here."""
    if not ids:
        return frozenset()
    if name == "tools":
        known: Iterable[str] = (*BUILTIN_TOOLS, *await uow.tools.several(ids))
    elif name == "knowledge_bases":
        known = ()
    else:
        known = await uow.agents.known(ids)
    return frozenset(ids) - frozenset(known)


def _picked(changes: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: changes[name] for name in names if name in changes}
