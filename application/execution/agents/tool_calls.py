"""One call a model asked for: of a tool, or of an agent, which is a loop of its own."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, Final

from orbiter.application.execution.agents.offers import Offered
from orbiter.application.execution.calls import Calls
from orbiter.application.execution.children import child_output
from orbiter.application.execution.outcome import NodeFailed
from orbiter.application.execution.texts import as_text
from orbiter.application.execution.tools import use_tool
from orbiter.application.ports.models import ToolCall
from orbiter.application.ports.templating import Schemas
from orbiter.domain.agents import AgentVersion
from orbiter.domain.errors import NotFound
from orbiter.domain.runs import StepKind, StepStatus
from orbiter.domain.tools import Tool, ToolKind

DEPTH_MAX: Final = 5

Respond = Callable[[AgentVersion, str, Calls], Awaitable[Any]]


async def called(
    calls: Calls, name: str, call: ToolCall, offered: Offered | None, respond: Respond
) -> str:
    """Return as text what the call gives, or why it failed, for the model to read.

    *offered* is what it means, None if there is no such thing; *respond* lets an agent answer.
    """
    title = call.name if offered is None else offered.offer.name

    async def body(inner: Calls) -> Any:
        return await _given(inner, call, offered, respond)

    shown = call.arguments if call.arguments is not None else call.text
    try:
        output = await calls.make(name, StepKind.TOOL, title or "tool", body, input=shown)
    except NodeFailed as failed:
        return as_text({"error": {"code": failed.code, "message": failed.message}})
    return as_text(output)


async def tool_output(calls: Calls, tool: Tool, arguments: Any, respond: Respond) -> Any:
    """Return what a tool gives for *arguments*; raise NodeFailed."""
    config, count = tool.config, partial(_count_use, calls, tool)
    if tool.kind is ToolKind.WORKFLOW:
        child_id = calls.place.child_of(f"{calls.records.key}:run")
        return await child_output(
            calls.journey,
            calls.records,
            child_id,
            str(config["workflow_id"]),
            inputs=arguments,
            version=config.get("version"),
            begun=count,
        )
    if tool.kind is ToolKind.AGENT:
        if await calls.records.decided("used") is None:
            count()
            await calls.records.decide("used", True)
        agent = await pinned(calls, str(config["agent_id"]), config.get("version"))
        return await _asked(calls, agent, arguments, respond)
    return await use_tool(calls, tool, arguments)


def _count_use(calls: Calls, tool: Tool) -> None:
    calls.journey.world.catalogue.count_use(calls.journey.run, tool)


async def pinned(calls: Calls, agent_id: str, version: int | None = None) -> AgentVersion:
    """Return an agent's version, the same however often the run is taken up; raise NodeFailed."""
    known = version or await calls.records.decided("version")
    try:
        agent = await calls.journey.world.catalogue.agent(calls.journey.run, agent_id, known)
    except NotFound:
        raise NodeFailed("AGENT_NOT_FOUND", "There is no such agent or version") from None
    if known is None:
        await calls.records.decide("version", agent.version)
    return agent


def fitted(parameters: Mapping[str, Any], arguments: Any, schemas: Schemas) -> Any:
    """Return *arguments* with what the schema *parameters* gives by default; raise NodeFailed."""
    given = schemas.with_defaults(parameters, arguments)
    if problems := schemas.problems(parameters, given):
        told = "; ".join(f"{each.field}: {each.message}".removeprefix(": ") for each in problems)
        raise NodeFailed("INVALID_ARGUMENTS", told)
    return given


async def _given(calls: Calls, call: ToolCall, offered: Offered | None, respond: Respond) -> Any:
    if offered is None and calls.step.status is StepStatus.COMPLETED:
        # It was there when it was called.
        return calls.step.output
    if offered is None:
        raise NodeFailed("TOOL_NOT_FOUND", f"There is no tool named {call.name[:80]!r}")
    if offered.takes_over:
        # Whatever it is told beside: that is for the trace alone.
        return _handed_over(offered)
    if call.arguments is None:
        raise NodeFailed("INVALID_ARGUMENTS", "The arguments are no JSON object")
    arguments = fitted(offered.offer.parameters, call.arguments, calls.journey.world.schemas)
    if offered.agent is not None:
        return await _asked(calls, offered.agent, arguments, respond)
    assert offered.tool is not None
    return await tool_output(calls, offered.tool, arguments, respond)


def _handed_over(offered: Offered) -> str:
    assert offered.agent is not None
    if offered.too_late:
        raise NodeFailed("HANDED_OVER", "Another agent takes over already")
    return f"{offered.agent.name} takes over"


async def _asked(calls: Calls, agent: AgentVersion, arguments: Any, respond: Respond) -> Any:
    if calls.depth > DEPTH_MAX:
        raise NodeFailed("AGENT_DEPTH", f"Agents ask each other more than {DEPTH_MAX} levels deep")
    return await respond(agent, as_text(arguments.get("input", arguments)), calls.deeper())
