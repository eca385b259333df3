"""Tool use cases: those built in are listed beside a workspace's own, and never change."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Unpack, cast

from orbiter.application.execution.tools.signatures import function_of
from orbiter.application.paging import Page, PageRequest
from orbiter.application.ports.tools import ToolFilter
from orbiter.application.references import reference_problems
from orbiter.application.remote_servers import RemoteServers
from orbiter.application.tool_kinds import DERIVED, Draft, Reading, ToolKinds, ToolRevision
from orbiter.application.work import Work
from orbiter.domain.builtin_tools import BUILTIN_TOOLS
from orbiter.domain.checks import text_problems
from orbiter.domain.errors import Conflict, FieldProblem, Invalid
from orbiter.domain.identity import Actor, Permission
from orbiter.domain.searching import folded
from orbiter.domain.tools import DESCRIPTION_MAX, Tool, ToolChanges, ToolKind, name_problems

# What has to fit together, and is checked before it is kept.
_FITTING: Final = frozenset({"config", "parameters"})


@dataclass(frozen=True, slots=True)
class ToolHandlers:
    """What an actor may do with tools, but for using them."""

    work: Work
    kinds: ToolKinds
    servers: RemoteServers

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

        Without *parameters*, those of `workflow` are the inputs of its start, those of `http` any
        object. Those of `python` and `agent` follow from what they run. No code is run. A remote
        server is asked what it offers, which become tools as well.
        """
        reading = self._reading(actor)
        async with reading() as uow:
            found = await reference_problems("project_id", uow.projects.get, project_id)
        if kind is ToolKind.MCP:
            return await self.servers.create(
                actor,
                found,
                project_id=project_id,
                name=name,
                config=config,
                description=description,
                parameters=parameters,
                enabled=enabled,
            )
        draft = Draft(kind=kind, config=config, parameters=parameters, description=description)
        draft = await self._whole(draft, [*found, *name_problems(name)], reading)
        now = self.work.clock.now()
        tool = Tool(
            id=self.work.new_id(),
            workspace_id=actor.workspace_id,
            project_id=project_id,
            name=name,
            description=draft.description,
            kind=kind,
            parameters=draft.parameters or {},
            config=config,
            enabled=enabled,
            created_by=actor.user_id,
            created_at=now,
            updated_at=now,
        )
        async with self.work(actor, Permission.TOOLS_WRITE) as uow:
            await uow.tools.add(tool)
            await self.work.audit(uow, actor, "tool.created", tool.id)
        return tool

    async def get(self, actor: Actor, tool_id: str) -> Tool:
        """Return a tool, built in or not."""
        async with self.work(actor, Permission.TOOLS_READ) as uow:
            return BUILTIN_TOOLS.get(tool_id) or await uow.tools.get(tool_id)

    async def page(self, actor: Actor, request: PageRequest, only: ToolFilter) -> Page[Tool]:
        """Return a page of the tools that match; those built in are the oldest."""
        async with self.work(actor, Permission.TOOLS_READ) as uow:
            own = await uow.tools.page(request, only)
        builtin = [tool for tool in BUILTIN_TOOLS.values() if _matches(tool, only)]
        beyond = [tool for tool in builtin if _is_beyond(tool, request)]
        found = sorted([*own.items, *beyond], key=_by_id, reverse=request.newest_first)
        shown = found[: request.limit]
        more = len(found) > len(shown) or own.next_after is not None
        return Page(
            items=shown,
            next_after=shown[-1].id if more else None,
            total=own.total + len(builtin),
        )

    async def revise(self, actor: Actor, tool_id: str, **changes: Unpack[ToolRevision]) -> Tool:
        """Change the fields given; raise Conflict for a tool that is built in.

        Raise it too when somebody else has changed meanwhile what has to fit together. With another
        *config*, parameters that follow from it are made anew, and so is a docstring's description.
        """
        reading = self._reading(actor)
        async with reading() as uow:
            _require_own(tool_id)
            before = await uow.tools.get(tool_id)
        if before.kind is ToolKind.MCP:
            return await self.servers.revise(actor, before, **changes)
        checked = await self._checked(before, changes, reading)
        async with self.work(actor, Permission.TOOLS_WRITE) as uow:
            tool = await uow.tools.get(tool_id)
            if checked.keys() & _FITTING:
                _require_same(tool, before)
            tool = tool.revise(at=self.work.clock.now(), **checked)
            await uow.tools.save(tool)
            await self.work.audit(uow, actor, "tool.updated", tool_id)
        return tool

    async def remove(self, actor: Actor, tool_id: str) -> None:
        """Delete a tool; agents that have it go on without it."""
        async with self.work(actor, Permission.TOOLS_WRITE) as uow:
            _require_own(tool_id)
            await uow.tools.remove(tool_id)
            await self.work.audit(uow, actor, "tool.deleted", tool_id)

    def _reading(self, actor: Actor) -> Reading:
        # What takes long is done before the unit of work that writes: there others wait for it.
        return partial(self.work, actor, Permission.TOOLS_WRITE, reading=True)

    async def _checked(self, before: Tool, changes: ToolRevision, reading: Reading) -> ToolChanges:
        checked = cast("ToolChanges", changes)
        if changes.keys().isdisjoint(_FITTING):
            return checked
        made = "parameters" in changes or before.kind in DERIVED
        draft = Draft(
            kind=before.kind,
            config=changes.get("config", before.config),
            parameters=changes.get("parameters") if made else before.parameters,
            description=changes.get("description", _own_description(before)),
        )
        draft = await self._whole(draft, name_problems(changes.get("name")), reading)
        if draft.description != before.description:
            checked = {**checked, "description": draft.description}
        return {**checked, "parameters": draft.parameters or {}} if made else checked

    async def _whole(self, draft: Draft, also: Iterable[FieldProblem], reading: Reading) -> Draft:
        """Return the draft made whole; raise Invalid with what is wrong in it, and *also*."""
        text = text_problems("description", draft.description, maximum=DESCRIPTION_MAX)
        found = [*also, *text]
        try:
            draft = await self.kinds.whole(draft, reading)
        except Invalid as invalid:
            found += invalid.problems
        if found:
            raise Invalid(found)
        return draft


def _own_description(tool: Tool) -> str:
    """Return what a tool is described by beside its code: nothing, if its docstring says that."""
    if tool.kind is not ToolKind.PYTHON:
        return tool.description
    docstring = function_of(tool.config["code"]).description[:DESCRIPTION_MAX]
    return "" if tool.description == docstring else tool.description


def _require_own(tool_id: str) -> None:
    if tool_id in BUILTIN_TOOLS:
        raise Conflict("A tool that is built in can't be changed")


def _require_same(tool: Tool, before: Tool) -> None:
    if any(getattr(tool, name) != getattr(before, name) for name in _FITTING):
        raise Conflict("The tool was changed meanwhile")


def _matches(tool: Tool, only: ToolFilter) -> bool:
    # Those built in belong to every project.
    return only.kind in (None, tool.kind) and (only.q is None or folded(only.q) in tool.searchable)


def _is_beyond(tool: Tool, request: PageRequest) -> bool:
    if request.after is None:
        return True
    return tool.id < request.after if request.newest_first else tool.id > request.after


def _by_id(tool: Tool) -> str:
    return tool.id
