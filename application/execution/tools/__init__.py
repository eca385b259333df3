"""What tools do, one module per kind; those built in have one each.

A behaviour is `async def behave(run: ToolRun) -> Any`, entered in BEHAVIOURS. It gives a value of
JSON, or raises NodeFailed with a code in capitals and a message fit for models and users alike.
"""

from collections.abc import Mapping
from typing import Any, Final

from orbiter.application.execution.calls import Calls
from orbiter.application.execution.outcome import NodeFailed, message_without
from orbiter.application.execution.tools.calculator import calculator
from orbiter.application.execution.tools.current_time import current_time
from orbiter.application.execution.tools.files import list_files, read_file, write_file
from orbiter.application.execution.tools.http import http
from orbiter.application.execution.tools.http_request import http_request
from orbiter.application.execution.tools.mcp import mcp
from orbiter.application.execution.tools.python import python, run_python
from orbiter.application.execution.tools.tool_run import ToolBehaviour, ToolRun
from orbiter.application.execution.tools.web_search import web_search
from orbiter.application.ports.outbound import OutboundError
from orbiter.application.ports.sandbox import SandboxError
from orbiter.domain.tools import Tool, ToolKind

# By the name of those built in, and by kind. Kinds `workflow` and `agent` are calls of their own.
BEHAVIOURS: Final[Mapping[str, ToolBehaviour]] = {
    "calculator": calculator,
    "current_time": current_time,
    "http": http,
    "http_request": http_request,
    "list_files": list_files,
    "mcp": mcp,
    "python": python,
    "read_file": read_file,
    "run_python": run_python,
    "web_search": web_search,
    "write_file": write_file,
}


async def use_tool(calls: Calls, tool: Tool, arguments: Mapping[str, Any]) -> Any:
    """Return what a tool gives, as one recorded effect; raise NodeFailed."""
    journey = calls.journey

    async def use() -> Any:
        journey.world.catalogue.count_use(journey.run, tool)
        return await used(
            ToolRun(
                tool=tool,
                arguments=arguments,
                workspace_id=journey.run.workspace_id,
                world=journey.world,
                key=calls.records.key,
                run_id=journey.run.id,
                secrets=journey.secrets,
            )
        )

    told = await calls.records.perform(use, own=True)
    calls.logs.extend(told["logs"])
    if failure := told.get("failure"):
        raise NodeFailed(failure["code"], failure["message"])
    return told["output"]


async def used(run: ToolRun) -> Mapping[str, Any]:
    """Return `{output, logs}` of a tool at work, or `{failure: {code, message}, logs}`.

    There is no secret in it. A failure comes as a value, so that what was told before it is
    recorded with it. Raise Unavailable when something of Orbiter's own does not answer.
    """
    secrets = run.secrets
    try:
        output = await behaviour_of(run.tool)(run)
    except (NodeFailed, OutboundError, SandboxError) as error:
        failure = {"code": error.code, "message": message_without(secrets, error.message)}
        return {"failure": failure, "logs": secrets.redacted(run.logs)}
    return {"output": secrets.redacted(output), "logs": secrets.redacted(run.logs)}


def behaviour_of(tool: Tool) -> ToolBehaviour:
    """Return what a tool does; raise NodeFailed for one that no behaviour is known for."""
    name = tool.name if tool.kind is ToolKind.BUILTIN else tool.kind.value
    if name not in BEHAVIOURS:
        raise NodeFailed("TOOL_NOT_FOUND", f"There is no tool named {tool.name!r}")
    return BEHAVIOURS[name]
