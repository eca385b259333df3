"""/api/v1/tools: what agents and workflows can do beside talking."""

from typing import Annotated, Any

from litestar import Controller, Response, delete, get, post, put
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from msgspec import UNSET, Meta, UnsetType

from orbiter.adapters.http.access import ActorRequest, requires
from orbiter.adapters.http.answers import created
from orbiter.adapters.http.bodies import about
from orbiter.adapters.http.paging import PageOut, Pages
from orbiter.adapters.http.parameters import text
from orbiter.adapters.http.wire import Id, Input, Output, Timestamp
from orbiter.application.facade import Orbiter
from orbiter.application.ports.tools import ToolFilter
from orbiter.domain.identity import Permission
from orbiter.domain.tools import DESCRIPTION_MAX, NAME_MAX, NAME_PATTERN, ToolKind, name_problems

Name = Annotated[
    str,
    Meta(
        description="What models call it; unique in the project.",
        examples=["look_up_order"],
        extra_json_schema={"pattern": NAME_PATTERN, "maxLength": NAME_MAX},
    ),
]
Description = Annotated[
    str,
    Meta(
        max_length=DESCRIPTION_MAX,
        description="What models are told that it does.",
        examples=["Gives the state of an order"],
    ),
]
Parameters = Annotated[
    dict[str, Any],
    Meta(
        description="A JSON Schema (2020-12) of type object: what the tool takes. That of a "
        "`python` tool follows from its signature, that of an `agent` is `input`; others are "
        "refused. That of a `workflow` is its start's `inputs` unless given.",
        examples=[
            {
                "type": "object",
                "properties": {"order": {"type": "string"}},
                "required": ["order"],
            }
        ],
    ),
]
Config = Annotated[
    dict[str, Any],
    Meta(
        description="What its kind needs: `python` {code}; `http` {method, url, headers, query, "
        "body, auth} as templates over `arguments` and `secrets`; `mcp` {url, headers?} of a "
        "remote server, headers as templates over `secrets`; `workflow` {workflow_id, version?}; "
        "`agent` {agent_id, version?}.",
        examples=[{"method": "GET", "url": "https://api.example.org/orders/{{ arguments.order }}"}],
    ),
]

Words = Annotated[
    str | None,
    QueryParameter(name="q", max_length=200, description="Text in name or description."),
]


class NewTool(Input):
    """A tool to create."""

    rules = {"name": name_problems}
    references = {"project_id": "projects"}

    project_id: Id
    name: Name
    kind: ToolKind
    config: Config
    description: Description = ""
    parameters: Parameters | None = None
    enabled: bool = True


class ToolUpdate(Input):
    """What to change of a tool; objects change whole."""

    rules = {"name": name_problems}

    name: Name | UnsetType = UNSET
    description: Description | UnsetType = UNSET
    parameters: Parameters | None | UnsetType = UNSET
    config: Config | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET


class ToolOut(Output):
    """A tool; one that is built in has no project."""

    id: Id
    project_id: Id | None
    name: Name
    description: Description
    kind: ToolKind
    parameters: Parameters
    config: Config
    enabled: bool
    usage_count: int
    created_at: Timestamp
    updated_at: Timestamp


class Trial(Input):
    """What to try a tool with."""

    arguments: dict[str, Any] = {}


class TrialErrorOut(Output):
    """Why a tool failed."""

    code: str
    message: str


class TrialOut(Output):
    """How a tool fared."""

    success: bool
    output: Any
    error: TrialErrorOut | None
    logs: list[str]
    duration_ms: int


def tool_filter(
    project_id: FromQuery[str | None] = None,
    kind: FromQuery[ToolKind | None] = None,
    q: Words = None,
) -> ToolFilter:
    """Return which tools are wanted."""
    return ToolFilter(project_id=text(project_id), kind=kind, q=text(q))


class ToolController(Controller):
    """CRUD over tools, and trying them."""

    path = "/tools"
    tags = ("tools",)
    dependencies = {"only": Provide(tool_filter, sync_to_thread=False)}

    @get(opt=requires(Permission.TOOLS_READ), summary="List all tools (built-in + custom)")
    async def page(
        self,
        request: ActorRequest,
        core: NamedDependency[Orbiter],
        pages: NamedDependency[Pages],
        only: NamedDependency[ToolFilter],
    ) -> PageOut[ToolOut]:
        """Return the workspace's tools, newest first, and behind them those built in."""
        return pages.show(await core.tools.page(request.user, pages.wanted, only), ToolOut)

    @post(opt=requires(Permission.TOOLS_WRITE), summary="Create a custom tool")
    async def create(
        self, request: ActorRequest, core: NamedDependency[Orbiter], data: JSONBody[NewTool]
    ) -> Response[ToolOut]:
        """Add a tool to a project; its code, if it has some, is read and not run.

        One of kind `mcp` is a server, which is asked at once what it offers: each of that becomes
        a tool of its own. 409 when the project has another of that name.
        """
        tool = await core.tools.create(request.user, **data.given())
        return created(ToolOut.of(tool), f"/tools/{tool.id}")

    @get("/{tool_id:str}", opt=requires(Permission.TOOLS_READ), summary="Get tool")
    async def show(
        self, request: ActorRequest, core: NamedDependency[Orbiter], tool_id: FromPath[str]
    ) -> ToolOut:
        """Return one tool, built in or not."""
        return ToolOut.of(await core.tools.get(request.user, tool_id))

    @put(
        "/{tool_id:str}",
        opt=requires(Permission.TOOLS_WRITE, **about("tools")),
        summary="Update tool",
    )
    async def revise(
        self,
        request: ActorRequest,
        core: NamedDependency[Orbiter],
        tool_id: FromPath[str],
        data: JSONBody[ToolUpdate],
    ) -> ToolOut:
        """Change the fields given; 409 for a tool that is built in, or a name that is taken.

        With `parameters` null, or another `config` where they follow from it, they are made anew.
        A remote server with another `config` is asked anew; of what it offers, `name` and `enabled`
        may change.
        """
        return ToolOut.of(await core.tools.revise(request.user, tool_id, **data.given()))

    @delete("/{tool_id:str}", opt=requires(Permission.TOOLS_WRITE), summary="Delete tool")
    async def remove(
        self, request: ActorRequest, core: NamedDependency[Orbiter], tool_id: FromPath[str]
    ) -> None:
        """Delete a tool; agents that have it go on without it. 409 for one that is built in.

        With a remote server goes what it offers.
        """
        await core.tools.remove(request.user, tool_id)

    @post(
        "/{tool_id:str}/refresh",
        opt=requires(Permission.TOOLS_WRITE),
        status_code=200,
        summary="Ask a remote server anew what it offers",
    )
    async def refresh(
        self, request: ActorRequest, core: NamedDependency[Orbiter], tool_id: FromPath[str]
    ) -> ToolOut:
        """Make the tools of a server those that it offers now, and return the server.

        What stays keeps its id, its name, and whether it is enabled. 409 for a tool that is no
        server; 422 when the server can't be asked.
        """
        return ToolOut.of(await core.remote_servers.refresh(request.user, tool_id))

    @post(
        "/{tool_id:str}/test",
        opt=requires(Permission.TOOLS_RUN, rate="run", **about("tools")),
        status_code=200,
        summary="Try a tool",
    )
    async def test(
        self,
        request: ActorRequest,
        core: NamedDependency[Orbiter],
        tool_id: FromPath[str],
        data: JSONBody[Trial],
    ) -> TrialOut:
        """Use a tool once; how it fails is told in `error`, and no error of this request.

        Secrets in what it gives are shown as `***`. A workflow or agent behind it makes a run,
        waited for up to 60 seconds.
        """
        trial = await core.try_tool(request.user, tool_id, arguments=data.arguments)
        return TrialOut(
            success=trial.success,
            output=trial.output,
            error=None if trial.error is None else TrialErrorOut(**trial.error),
            logs=list(trial.logs),
            duration_ms=trial.duration_ms,
        )
