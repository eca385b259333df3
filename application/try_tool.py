"""Trying a tool out, outside of any run of an agent."""

from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Any, Final

from orbiter.application.execution.agents.tool_calls import fitted
from orbiter.application.execution.outcome import NodeFailed
from orbiter.application.execution.tools import used
from orbiter.application.execution.tools.tool_run import ToolRun
from orbiter.application.execution.world import World
from orbiter.application.run_agent import RunAgent
from orbiter.application.run_workflow import RunWorkflow
from orbiter.application.work import Work
from orbiter.domain.builtin_tools import BUILTIN_TOOLS
from orbiter.domain.identity import Actor, Permission
from orbiter.domain.runs import Run
from orbiter.domain.tools import Tool, ToolKind

WAIT_SECONDS: Final = 60

Result = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolTrial:
    """How a tool fared: its *output*, or an *error* of {code, message}."""

    success: bool
    output: Any = None
    error: Mapping[str, str] | None = None
    logs: tuple[str, ...] = ()
    duration_ms: int


@dataclass(frozen=True, slots=True)
class TryTool:
    """Use a tool once; a workflow or agent behind it makes a run, which is waited for."""

    work: Work
    world: World
    run_workflow: RunWorkflow
    run_agent: RunAgent

    async def __call__(
        self, actor: Actor, tool_id: str, *, arguments: Mapping[str, Any]
    ) -> ToolTrial:
        """Return what the tool gave; nothing that a tool does wrong is raised.

        It sees the secrets of its project, and shows none. It has no run, so no files of one.
        """
        async with self.work(actor, Permission.TOOLS_RUN, reading=True) as uow:
            tool = BUILTIN_TOOLS.get(tool_id) or await uow.tools.get(tool_id)
        begun = monotonic()
        result = await self._result(actor, tool, arguments)
        failure = result.get("failure")
        return ToolTrial(
            success=failure is None,
            output=result.get("output"),
            error=failure,
            logs=tuple(result["logs"]),
            duration_ms=round(1000 * (monotonic() - begun)),
        )

    async def _result(self, actor: Actor, tool: Tool, arguments: Mapping[str, Any]) -> Result:
        try:
            given = fitted(tool.parameters, arguments, self.world.schemas)
        except NodeFailed as failed:
            return _failure(failed.code, failed.message)
        if tool.kind is ToolKind.WORKFLOW:
            workflow_id, version = tool.config["workflow_id"], tool.config.get("version")
            return _of_run(
                await self.run_workflow(
                    actor, workflow_id, inputs=given, version=version, wait_seconds=WAIT_SECONDS
                )
            )
        if tool.kind is ToolKind.AGENT:
            agent_id, version = tool.config["agent_id"], tool.config.get("version")
            return _of_run(
                await self.run_agent(
                    actor, agent_id, inputs=given, version=version, wait_seconds=WAIT_SECONDS
                )
            )
        return await self._used(actor, tool, given)

    async def _used(self, actor: Actor, tool: Tool, arguments: Mapping[str, Any]) -> Result:
        run = ToolRun(
            tool=tool,
            arguments=arguments,
            workspace_id=actor.workspace_id,
            world=self.world,
            key=f"trial:{self.work.new_id()}",
            secrets=await self.world.vault.open(actor.workspace_id, tool.project_id),
        )
        return await used(run)


def _of_run(run: Run) -> Result:
    if not run.ended:
        return _failure("TIMEOUT", f"The run {run.id} has not ended within {WAIT_SECONDS} s")
    if run.error is not None:
        return _failure(run.error.code, run.error.message)
    return {"output": run.output, "logs": ()}


def _failure(code: str, message: str) -> Result:
    return {"failure": {"code": code, "message": message}, "logs": ()}
