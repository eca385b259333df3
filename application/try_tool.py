"""Trying a tool out, outside of any run of an agent."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any, Final

from orbiter.application.execution.agents.tool_calls import fitted
from orbiter.application.execution.limits import Limits
from orbiter.application.execution.outcome import NodeFailed
from orbiter.application.execution.sizes import size_of
from orbiter.application.execution.tools import used
from orbiter.application.execution.tools.tool_run import ToolRun
from orbiter.application.execution.world import World
from orbiter.application.run_agent import RunAgent
from orbiter.application.run_workflow import RunWorkflow
from orbiter.application.work import Work
from orbiter.domain.builtin_tools import BUILTIN_TOOLS
from orbiter.domain.errors import Conflict, Invalid, NotFound
from orbiter.domain.identity import Actor, Permission
from orbiter.domain.runs import Run, RunStatus
from orbiter.domain.tools import Tool, ToolKind

WAIT_SECONDS: Final = 60

Result = Mapping[str, Any]
Start = Callable[..., Awaitable[Run]]


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
    """Use a tool once, for at most *seconds*; a workflow or agent behind it makes a run."""

    work: Work
    world: World
    run_workflow: RunWorkflow
    run_agent: RunAgent
    seconds: float = WAIT_SECONDS

    async def __call__(
        self, actor: Actor, tool_id: str, *, arguments: Mapping[str, Any]
    ) -> ToolTrial:
        """Return what the tool gave; nothing that a tool does wrong is raised.

        It sees the secrets of its project, and shows none. Files are those of the trial alone, and
        go with it.
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
            return await self._of_run(self.run_workflow, actor, tool, "workflow_id", given)
        if tool.kind is ToolKind.AGENT:
            return await self._of_run(self.run_agent, actor, tool, "agent_id", given)
        try:
            async with asyncio.timeout(self.seconds):
                return await self._used(actor, tool, given)
        except TimeoutError:
            return _failure("TIMEOUT", f"The tool took more than {self.seconds:g} s")

    async def _used(self, actor: Actor, tool: Tool, arguments: Mapping[str, Any]) -> Result:
        trial_id = self.work.new_id()
        run = ToolRun(
            tool=tool,
            arguments=arguments,
            workspace_id=actor.workspace_id,
            world=self.world,
            key=f"trial:{trial_id}",
            run_id=trial_id,
            secrets=await self.world.vault.open(actor.workspace_id, tool.project_id),
        )
        try:
            return _passed_on(await used(run))
        finally:
            await self.world.artifacts.remove(trial_id)

    async def _of_run(
        self, start: Start, actor: Actor, tool: Tool, reference: str, inputs: Any
    ) -> Result:
        config = tool.config
        try:
            run = await start(
                actor,
                config[reference],
                inputs=inputs,
                version=config.get("version"),
                wait_seconds=self.seconds,
            )
        except Invalid as invalid:
            told = "; ".join(f"{each.field}: {each.message}" for each in invalid.problems)
            return _failure("CANNOT_RUN", told)
        except (NotFound, Conflict) as refused:
            return _failure("CANNOT_RUN", refused.message)
        logs = (f"Run {run.id}",)
        if run.status is RunStatus.COMPLETED:
            return {"output": run.output, "logs": logs}
        if run.error is not None:
            return _failure(run.error.code, run.error.message, logs)
        message = f"Run {run.id} is {run.status} after {self.seconds:g} s"
        return _failure("TIMEOUT", message, logs)


def _passed_on(result: Result) -> Result:
    """Return what a run would be given: a failure in place of an output that is too large."""
    try:
        size_of(result.get("output"), Limits().value_bytes)
    except NodeFailed as failed:
        return _failure(failed.code, failed.message, result["logs"])
    return result


def _failure(code: str, message: str, logs: Sequence[str] = ()) -> Result:
    return {"failure": {"code": code, "message": message}, "logs": logs}
