"""Tool use cases: those built in are listed beside a workspace's own, and never change."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Unpack

from orbiter.application.execution.tools.signatures import function_of
from orbiter.application.paging import Page, PageRequest
from orbiter.application.ports.sandbox import Sandbox
from orbiter.application.ports.storage import UnitOfWork
from orbiter.application.ports.templating import Schemas
from orbiter.application.ports.tools import ToolFilter
from orbiter.application.work import Work
from orbiter.domain.builtin_tools import BUILTIN_TOOLS
from orbiter.domain.errors import Conflict, FieldProblem, Invalid, NotFound
from orbiter.domain.identity import Actor, Permission
from orbiter.domain.searching import folded
from orbiter.domain.tools import Tool, ToolChanges, ToolKind

ANYTHING: Final[Mapping[str, Any]] = {"type": "object"}
INPUT: Final[Mapping[str, Any]] = {
    "type": "object",
    "properties": {"input": {"type": "string", "description": "What the agent is asked to do"}},
    "required": ["input"],
}


@dataclass(frozen=True, slots=True)
class ToolHandlers:
    """What an actor may do with tools, but for using them."""

    work: Work
    schemas: Schemas
    sandbox: Sandbox

    async def create(
        self,
        actor: Actor,
        *,
        project_id: str,
        name: str,
        kind: ToolKind,
        config: Mapping[str, Any],
        description: str = "",
        parameters: Mapping[str, Any] | None = None,
        enabled: bool = True,
    ) -> Tool:
        """Add a tool to a project; raise Conflict when it has another of that name.

        Without *parameters*, those of `workflow` are the inputs of its start. Those of `python` and
        `agent` can't be given. No code is run.
        """
        now = self.work.clock.now()
        tool = Tool(
            id=self.work.new_id(),
            workspace_id=actor.workspace_id,
            project_id=project_id,
            name=name,
            description=description,
            kind=kind,
            parameters=parameters or {},
            config=config,
            enabled=enabled,
            created_by=actor.user_id,
            created_at=now,
            updated_at=now,
        )
        async with self.work(actor, Permission.TOOLS_WRITE) as uow:
            problems = await _project_problems(uow, project_id)
            tool = await self._sound(uow, tool, given=parameters is not None, also=problems)
            await uow.tools.add(tool)
            await self.work.audit(uow, actor, "tool.created", tool.id)
        return tool

    async def get(self, actor: Actor, tool_id: str) -> Tool:
        """Return a tool, built in or not."""
        async with self.work(actor, Permission.TOOLS_READ) as uow:
            return BUILTIN_TOOLS.get(tool_id) or await uow.tools.get(tool_id)

    async def page(self, actor: Actor, request: PageRequest, only: ToolFilter) -> Page[Tool]:
        """Return a page of the tools that match; those built in are the oldest."""
        ordered = sorted(BUILTIN_TOOLS, reverse=request.newest_first)
        builtin = [tool for tool in map(BUILTIN_TOOLS.__getitem__, ordered) if _matches(tool, only)]
        async with self.work(actor, Permission.TOOLS_READ) as uow:
            if request.newest_first:
                return await _own_first(uow, request, only, builtin)
            return await _builtin_first(uow, request, only, builtin)

    async def revise(self, actor: Actor, tool_id: str, **changes: Unpack[ToolChanges]) -> Tool:
        """Change the fields given; raise Conflict for a tool that is built in."""
        now = self.work.clock.now()
        async with self.work(actor, Permission.TOOLS_WRITE) as uow:
            _require_own(tool_id)
            before = await uow.tools.get(tool_id)
            tool = before.revise(at=now, **changes)
            if "config" in changes or "parameters" in changes:
                tool = await self._sound(uow, tool, given="parameters" in changes)
            await uow.tools.save(tool)
            await self.work.audit(uow, actor, "tool.updated", tool_id)
        return tool

    async def remove(self, actor: Actor, tool_id: str) -> None:
        """Delete a tool; agents that have it go on without it."""
        async with self.work(actor, Permission.TOOLS_WRITE) as uow:
            _require_own(tool_id)
            await uow.tools.remove(tool_id)
            await self.work.audit(uow, actor, "tool.deleted", tool_id)

    async def _sound(
        self, uow: UnitOfWork, tool: Tool, *, given: bool, also: Iterable[FieldProblem] = ()
    ) -> Tool:
        """Return the tool with its parameters; raise Invalid with everything that is wrong."""
        found = [*also, *tool.problems()] if given else [*also, *_config_problems(tool)]
        if tool.kind in (ToolKind.BUILTIN, ToolKind.MCP):
            found.append(FieldProblem("kind", f"Tools of kind '{tool.kind}' can't be made"))
        if not found:
            found, tool = await self._derived(uow, tool, given=given)
        if not found:
            complaints = self.schemas.complaints(tool.parameters)
            found = [FieldProblem("parameters", complaint) for complaint in complaints]
        if found:
            raise Invalid(found)
        return tool

    async def _derived(
        self, uow: UnitOfWork, tool: Tool, *, given: bool
    ) -> tuple[list[FieldProblem], Tool]:
        match tool.kind:
            case ToolKind.PYTHON:
                return await self._of_code(tool, given=given)
            case ToolKind.WORKFLOW:
                return await _of_workflow(uow, tool, given=given)
            case ToolKind.AGENT:
                found = _not_given(given) + await _agent_problems(uow, tool)
                return found, replace(tool, parameters=INPUT)
            case _:
                return [], tool if tool.parameters else replace(tool, parameters=ANYTHING)

    async def _of_code(self, tool: Tool, *, given: bool) -> tuple[list[FieldProblem], Tool]:
        code = tool.config["code"]
        function = function_of(code)
        complaints = await self.sandbox.complaints(code)
        found = [FieldProblem("config.code", complaint) for complaint in complaints]
        return _not_given(given) + found, replace(
            tool,
            parameters=function.parameters,
            description=tool.description or function.description,
        )


def _not_given(given: bool) -> list[FieldProblem]:
    message = "The parameters of this kind of tool can't be given: they follow from what it runs"
    return [FieldProblem("parameters", message)] if given else []


def _config_problems(tool: Tool) -> Iterable[FieldProblem]:
    return (each for each in tool.problems() if not each.field.startswith("parameters"))


async def _of_workflow(
    uow: UnitOfWork, tool: Tool, *, given: bool
) -> tuple[list[FieldProblem], Tool]:
    config = tool.config
    try:
        head = await uow.workflows.get(config["workflow_id"])
    except NotFound as absent:
        return [FieldProblem("config.workflow_id", absent.message)], tool
    try:
        graph = await uow.workflows.version(head.id, config.get("version") or head.version)
    except NotFound as absent:
        return [FieldProblem("config.version", absent.message)], tool
    if given:
        return [], tool
    starts = [node for node in graph.canvas.nodes if node.type == "start"]
    inputs = starts[0].config.get("inputs") if starts else None
    if isinstance(inputs, Mapping) and inputs.get("type") == "object":
        return [], replace(tool, parameters=inputs)
    return [], replace(tool, parameters=ANYTHING)


async def _agent_problems(uow: UnitOfWork, tool: Tool) -> list[FieldProblem]:
    config = tool.config
    try:
        head = await uow.agents.get(config["agent_id"])
    except NotFound as absent:
        return [FieldProblem("config.agent_id", absent.message)]
    try:
        await uow.agents.version(head.id, config.get("version") or head.version)
    except NotFound as absent:
        return [FieldProblem("config.version", absent.message)]
    return []


async def _project_problems(uow: UnitOfWork, project_id: str) -> list[FieldProblem]:
    try:
        await uow.projects.get(project_id)
    except NotFound as absent:
        return [FieldProblem("project_id", absent.message)]
    return []


def _require_own(tool_id: str) -> None:
    if tool_id in BUILTIN_TOOLS:
        raise Conflict("A tool that is built in can't be changed")


def _matches(tool: Tool, only: ToolFilter) -> bool:
    return only.kind in (None, tool.kind) and (only.q is None or folded(only.q) in tool.searchable)


async def _own_first(
    uow: UnitOfWork, request: PageRequest, only: ToolFilter, builtin: list[Tool]
) -> Page[Tool]:
    after = request.after
    if after in BUILTIN_TOOLS:
        own = await uow.tools.page(replace(request, after=None, limit=1), only)
        own = replace(own, items=(), next_after=None)
        rest = [tool for tool in builtin if tool.id < str(after)]
    else:
        own = await uow.tools.page(request, only)
        rest = [] if own.next_after else builtin
    return _page([*own.items, *rest], request, own, len(builtin))


async def _builtin_first(
    uow: UnitOfWork, request: PageRequest, only: ToolFilter, builtin: list[Tool]
) -> Page[Tool]:
    after = request.after
    if after is not None and after not in BUILTIN_TOOLS:
        own = await uow.tools.page(request, only)
        return _page(list(own.items), request, own, len(builtin))
    rest = [tool for tool in builtin if after is None or tool.id > after]
    own = await uow.tools.page(replace(request, after=None), only)
    return _page([*rest, *own.items], request, own, len(builtin))


def _page(tools: list[Tool], request: PageRequest, own: Page[Tool], builtin: int) -> Page[Tool]:
    shown = tools[: request.limit]
    more = len(tools) > request.limit or own.next_after is not None
    return Page(
        items=shown,
        next_after=shown[-1].id if more else None,
        total=own.total + builtin,
    )
