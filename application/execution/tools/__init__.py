"""What tools do, one module per kind; those built in have one each."""

from collections.abc import Mapping
from typing import Any

from orbiter.application.execution.calls import Calls
from orbiter.application.execution.outcome import NodeFailed
from orbiter.application.execution.tools.tool_run import ToolBehaviour, ToolRun
from orbiter.domain.tools import Tool, ToolKind

# By the name of those built in, and by kind.
BEHAVIOURS: Mapping[str, ToolBehaviour] = {}


async def use_tool(calls: Calls, tool: Tool, arguments: Mapping[str, Any]) -> Any:
    """Return what a tool gives, as one recorded effect; raise NodeFailed."""
    journey = calls.journey

    async def use() -> Any:
        run = ToolRun(
            tool=tool,
            arguments=arguments,
            workspace_id=journey.run.workspace_id,
            world=journey.world,
            key=calls.records.key,
            run_id=journey.run.id,
            secrets=journey.secrets,
        )
        journey.world.catalogue.count_use(journey.run, tool)
        output = await behaviour_of(tool)(run)
        return {"output": output, "logs": run.logs}

    used = await calls.records.perform(use)
    calls.logs.extend(used["logs"])
    return used["output"]


def behaviour_of(tool: Tool) -> ToolBehaviour:
    """Return what a tool does; raise NodeFailed for one that no behaviour is known for."""
    name = tool.name if tool.kind is ToolKind.BUILTIN else tool.kind.value
    if name not in BEHAVIOURS:
        raise NodeFailed("TOOL_NOT_FOUND", f"There is no tool named {tool.name!r}")
    return BEHAVIOURS[name]
