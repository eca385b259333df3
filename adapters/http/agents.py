"""/api/v1/agents: agents and their versions."""

from typing import Annotated, Any

from litestar import Controller, Response, delete, get, post, put
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import UNSET, Meta, UnsetType, field

from orbiter.adapters.http.access import ActorRequest, requires
from orbiter.adapters.http.agent_settings import (
    REFERS,
    RULES,
    GuardrailsIn,
    Instructions,
    MaxTokens,
    MaxTurns,
    MemoryIn,
    Model,
    OutputSchema,
    Parallel,
    References,
    SettingsOut,
    Temperature,
    ToolChoice,
    TopP,
    with_settings,
)
from orbiter.adapters.http.answers import IfMatch, created, etag_of, revisions_of, tagged
from orbiter.adapters.http.bodies import about
from orbiter.adapters.http.paging import PageOut, Pages
from orbiter.adapters.http.parameters import text
from orbiter.adapters.http.wire import Id, Input, Timestamp
from orbiter.application.facade import Orbiter
from orbiter.application.ports.agents import AgentFilter
from orbiter.domain.agents import Agent, AgentStatus
from orbiter.domain.checks import DESCRIPTION_MAX, NAME_MAX
from orbiter.domain.identity import Permission

Name = Annotated[str, Meta(min_length=1, max_length=NAME_MAX, examples=["Order desk"])]
Description = Annotated[
    str, Meta(max_length=DESCRIPTION_MAX, examples=["Answers questions about orders"])
]


class NewAgent(Input):
    """An agent to create."""

    rules = RULES
    references = REFERS

    project_id: Id
    name: Name
    description: Description | None = None
    status: AgentStatus = AgentStatus.DRAFT
    instructions: Instructions | None = None
    model: Model | None = None
    temperature: Temperature | None = None
    top_p: TopP | None = None
    max_tokens: MaxTokens | None = None
    max_turns: MaxTurns = 10
    parallel_tool_calls: Parallel = True
    tool_choice: ToolChoice = "auto"
    tools: References = []
    knowledge_bases: References = []
    sub_agents: References = []
    handoffs: References = []
    memory: MemoryIn | None = field(default_factory=MemoryIn)
    output_schema: OutputSchema | None = None
    guardrails: GuardrailsIn | None = field(default_factory=GuardrailsIn)

    def given(self) -> dict[str, Any]:
        """Return the fields, the settings as the domain knows them."""
        return with_settings(super().given())


class AgentUpdate(Input):
    """What to change of an agent; null clears, absent keeps; objects and lists change whole."""

    rules = RULES
    references = REFERS

    project_id: Id | UnsetType = UNSET
    name: Name | UnsetType = UNSET
    description: Description | None | UnsetType = UNSET
    status: AgentStatus | UnsetType = UNSET
    instructions: Instructions | None | UnsetType = UNSET
    model: Model | None | UnsetType = UNSET
    temperature: Temperature | None | UnsetType = UNSET
    top_p: TopP | None | UnsetType = UNSET
    max_tokens: MaxTokens | None | UnsetType = UNSET
    max_turns: MaxTurns | UnsetType = UNSET
    parallel_tool_calls: Parallel | UnsetType = UNSET
    tool_choice: ToolChoice | UnsetType = UNSET
    tools: References | UnsetType = UNSET
    knowledge_bases: References | UnsetType = UNSET
    sub_agents: References | UnsetType = UNSET
    handoffs: References | UnsetType = UNSET
    memory: MemoryIn | None | UnsetType = UNSET
    output_schema: OutputSchema | None | UnsetType = UNSET
    guardrails: GuardrailsIn | None | UnsetType = UNSET

    def given(self) -> dict[str, Any]:
        """Return the fields that were sent, the settings as the domain knows them."""
        return with_settings(super().given())


class AgentOut(SettingsOut):
    """An agent as its latest version has it."""

    id: Id
    project_id: Id
    name: Name
    description: Description | None
    status: AgentStatus
    version: int
    created_by: Id
    created_at: Timestamp
    updated_at: Timestamp


class AgentVersionOut(SettingsOut):
    """One state of an agent; it never changes."""

    agent_id: Id
    version: int
    name: Name
    description: Description | None
    created_by: Id
    created_at: Timestamp


def agent_filter(
    project_id: FromQuery[str | None] = None, status: FromQuery[AgentStatus | None] = None
) -> AgentFilter:
    """Return which agents are wanted."""
    return AgentFilter(project_id=text(project_id), status=status)


class AgentController(Controller):
    """CRUD over agents, versions and copies."""

    path = "/agents"
    tags = ("agents",)
    dependencies = {"only": Provide(agent_filter, sync_to_thread=False)}

    @get(opt=requires(Permission.AGENTS_READ), summary="List agents")
    async def page(
        self,
        request: ActorRequest,
        core: NamedDependency[Orbiter],
        pages: NamedDependency[Pages],
        only: NamedDependency[AgentFilter],
    ) -> PageOut[AgentOut]:
        """Return agents, newest first."""
        return pages.show(await core.agents.page(request.user, pages.wanted, only), AgentOut)

    @post(opt=requires(Permission.AGENTS_WRITE), summary="Create an agent")
    async def create(
        self, request: ActorRequest, core: NamedDependency[Orbiter], data: JSONBody[NewAgent]
    ) -> Response[AgentOut]:
        """Add an agent to a project; only `project_id` and `name` are needed.

        `tools`, `knowledge_bases`, `sub_agents` and `handoffs` are ids of what the workspace has.
        """
        return _created(await core.agents.create(request.user, **data.given()))

    @get("/{agent_id:str}", opt=requires(Permission.AGENTS_READ), summary="Get agent")
    async def show(
        self, request: ActorRequest, core: NamedDependency[Orbiter], agent_id: FromPath[str]
    ) -> Response[AgentOut]:
        """Return one agent."""
        return _tagged(await core.agents.get(request.user, agent_id))

    @put(
        "/{agent_id:str}",
        opt=requires(Permission.AGENTS_WRITE, **about("agents")),
        summary="Update agent",
    )
    async def revise(
        self,
        request: ActorRequest,
        core: NamedDependency[Orbiter],
        agent_id: FromPath[str],
        data: JSONBody[AgentUpdate],
        if_match: IfMatch = None,
    ) -> Response[AgentOut]:
        """Change the fields given; 409 when `If-Match` names an older state.

        A change of anything but `status` and `project_id` makes a version.
        """
        expected = revisions_of(if_match)
        return _tagged(
            await core.agents.revise(request.user, agent_id, expected=expected, **data.given())
        )

    @delete("/{agent_id:str}", opt=requires(Permission.AGENTS_WRITE), summary="Delete agent")
    async def remove(
        self, request: ActorRequest, core: NamedDependency[Orbiter], agent_id: FromPath[str]
    ) -> None:
        """Delete an agent and its versions; its runs stay."""
        await core.agents.remove(request.user, agent_id)

    @post(
        "/{agent_id:str}/duplicate",
        opt=requires(Permission.AGENTS_WRITE),
        summary="Duplicate an agent",
    )
    async def duplicate(
        self, request: ActorRequest, core: NamedDependency[Orbiter], agent_id: FromPath[str]
    ) -> Response[AgentOut]:
        """Add a copy named `<name> (copy)`: a draft at version 1."""
        return _created(await core.agents.duplicate(request.user, agent_id))

    @get(
        "/{agent_id:str}/versions",
        opt=requires(Permission.AGENTS_READ),
        summary="List an agent's versions",
    )
    async def versions(
        self,
        request: ActorRequest,
        core: NamedDependency[Orbiter],
        pages: NamedDependency[Pages],
        agent_id: FromPath[str],
    ) -> PageOut[AgentVersionOut]:
        """Return the versions, newest first."""
        found = await core.agents.versions(request.user, agent_id, pages.wanted)
        return pages.show(found, AgentVersionOut)

    @get(
        "/{agent_id:str}/versions/{number:int}",
        opt=requires(Permission.AGENTS_READ),
        summary="Get an agent's version",
    )
    async def version(
        self,
        request: ActorRequest,
        core: NamedDependency[Orbiter],
        agent_id: FromPath[str],
        number: FromPath[int],
    ) -> AgentVersionOut:
        """Return one version."""
        return AgentVersionOut.of(await core.agents.version(request.user, agent_id, number))

    @post(
        "/{agent_id:str}/versions/{number:int}/restore",
        opt=requires(Permission.AGENTS_WRITE),
        status_code=200,
        summary="Restore an agent's version",
    )
    async def restore(
        self,
        request: ActorRequest,
        core: NamedDependency[Orbiter],
        agent_id: FromPath[str],
        number: FromPath[int],
    ) -> Response[AgentOut]:
        """Make an old version's names and settings the latest, as a new version."""
        return _tagged(await core.agents.restore(request.user, agent_id, number))


def _created(agent: Agent) -> Response[AgentOut]:
    out = AgentOut.of(agent)
    return created(out, f"/agents/{agent.id}", etag=etag_of(agent.revision))


def _tagged(agent: Agent) -> Response[AgentOut]:
    return tagged(AgentOut.of(agent), etag_of(agent.revision))
