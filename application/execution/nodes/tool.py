"""`tool`: one call of a tool."""

from typing import Any, Final

from orbiter.application.execution.agents.loop import respond
from orbiter.application.execution.agents.tool_calls import fitted, tool_output
from orbiter.application.execution.calls import Calls
from orbiter.application.execution.outcome import NodeFailed, Outcome
from orbiter.application.execution.visit import Visit
from orbiter.domain.runs import StepKind
from orbiter.domain.tools import Tool

_ABSENT: Final = "There is no such tool, or it is not enabled"


async def behave(visit: Visit) -> Outcome:
    """Give the tool's output; fail as it does, or with TOOL_NOT_FOUND or INVALID_ARGUMENTS."""
    tool = await _tool(visit)
    arguments = visit.render(visit.config.get("arguments") or {})
    visit.input = {"tool_id": tool.id, "arguments": arguments}
    arguments = fitted(tool.parameters, arguments, visit.world.schemas)

    async def body(inner: Calls) -> Any:
        return await tool_output(inner, tool, arguments, respond)

    calls = visit.calls
    return Outcome(
        await visit.bounded(
            lambda: calls.make("tool", StepKind.TOOL, tool.name, body, input=arguments)
        )
    )


async def _tool(visit: Visit) -> Tool:
    tool_id = str(visit.render(visit.config["tool_id"]))
    tools = await visit.world.catalogue.tools(visit.journey.run, (tool_id,))
    if tool_id not in tools:
        # A server stands for what it offers.
        message = "This is a server: name one of its tools" if tools else _ABSENT
        raise NodeFailed("TOOL_NOT_FOUND", message)
    return tools[tool_id]
