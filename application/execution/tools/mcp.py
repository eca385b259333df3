"""Tools of kind `mcp`: those that remote servers offer."""

from collections.abc import Mapping
from typing import Any

from orbiter.application.execution.outcome import NodeFailed
from orbiter.application.execution.tools.tool_run import ToolRun
from orbiter.application.ports.remote_tools import RemoteServer
from orbiter.application.ports.templating import TemplateError, Templates
from orbiter.domain.secrets import SecretValues


async def mcp(run: ToolRun) -> Any:
    """Return the structured content that the tool gives, or else its text.

    Fail with REMOTE_TOOL_FAILED when the tool says that it failed.
    """
    config = run.tool.config
    if run.tool.is_server:
        message = "This is a server: what it offers are tools of their own"
        raise NodeFailed("TOOL_NOT_FOUND", message)
    try:
        server = server_of(config, run.secrets, run.world.templates, key=run.key)
    except TemplateError as error:
        raise NodeFailed("TEMPLATE_ERROR", error.message) from None
    result = await run.world.remote_tools.call(server, config["tool"], run.arguments)
    if result.failed:
        raise NodeFailed("REMOTE_TOOL_FAILED", str(result.output) or "The tool does not say why")
    return result.output


def server_of(
    config: Mapping[str, Any],
    secrets: SecretValues,
    templates: Templates,
    *,
    key: str | None = None,
) -> RemoteServer:
    """Return the server of a tool's settings, its headers rendered; raise TemplateError.

    *key* goes with each request as `Idempotency-Key`.
    """
    rendered = templates.render(config.get("headers") or {}, {"secrets": secrets.values})
    headers = {name: str(value) for name, value in rendered.items()}
    if key is not None:
        headers = {"idempotency-key": key, **headers}
    return RemoteServer(url=config["url"], headers=headers)
