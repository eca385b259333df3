"""Tools of kind `http`: a request whose parts are templates over `arguments` and `secrets`."""

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, urlsplit

from orbiter.application.execution.http_request import TIMEOUT_SECONDS, answered, request_of
from orbiter.application.execution.outcome import NodeFailed
from orbiter.application.execution.tools.tool_run import ToolRun
from orbiter.application.ports.templating import TemplateError

# A template that is an argument or a part of one and nothing else, perhaps joined or as JSON.
_STEP: Final = r"(?:\.\w+|\[\s*(?:\"[^\"\\]+\"|'[^'\\]+')\s*\])"
_STEPS: Final = re.compile(r"\.(\w+)|\[\s*[\"']([^\"\\]+?)[\"']\s*\]")
_ARGUMENT: Final = re.compile(
    rf"\s*\{{\{{-?\s*arguments(?P<path>{_STEP}+)"
    r"\s*(?:\|\s*(?:tojson|join\([^(){}]*\))\s*)?-?\}\}\s*"
)
_BEGINS_WITH_TEMPLATE: Final = re.compile(r"\s*\{\{")


async def http(run: ToolRun) -> Any:
    """Return `{status, headers, body}`; fail as an `http` node does.

    An entry of `query`, `headers` or an object in `body` that is an argument which was not given,
    or a part of one that is not there, is left out. In `url`, texts among the arguments are
    percent-encoded, unless it begins with one.
    """
    config = _rendered(run)
    seconds = config.get("timeout_seconds") or TIMEOUT_SECONDS
    request = request_of(config, key=run.key, timeout_seconds=seconds)
    return await answered(run.world.http, request, config)


def _rendered(run: ToolRun) -> Mapping[str, Any]:
    context = {"arguments": run.arguments, "secrets": run.secrets.values}
    config = _without_absent(run.tool.config, run.arguments) or {}
    url = config["url"]
    try:
        rendered: Mapping[str, Any] = run.world.templates.render(config, context)
        if not _BEGINS_WITH_TEMPLATE.match(url):
            # What a model writes stays in its place of the address.
            context = {**context, "arguments": _encoded(run.arguments)}
            rendered = {**rendered, "url": _level(str(run.world.templates.render(url, context)))}
    except TemplateError as error:
        raise NodeFailed("TEMPLATE_ERROR", error.message) from None
    return rendered


def _without_absent(template: Any, arguments: Mapping[str, Any]) -> Any:
    """Return *template* without the entries of objects that are an argument that is absent."""
    if isinstance(template, Mapping):
        return {
            name: _without_absent(each, arguments)
            for name, each in template.items()
            if not _is_absent(each, arguments)
        }
    if isinstance(template, list | tuple):
        return [_without_absent(each, arguments) for each in template]
    return template


def _is_absent(template: Any, arguments: Mapping[str, Any]) -> bool:
    if not isinstance(template, str) or (found := _ARGUMENT.fullmatch(template)) is None:
        return False
    value: Any = arguments
    for name, key in _STEPS.findall(found["path"]):
        step = name or key
        if not isinstance(value, Mapping) or step not in value:
            return True
        value = value[step]
    return False


def _level(url: str) -> str:
    # A step upwards stays one, however its dots are encoded.
    if not {".", ".."}.isdisjoint(urlsplit(url).path.split("/")):
        raise NodeFailed("INVALID_URL", "An argument leads to another place of the service")
    return url


def _encoded(value: Any) -> Any:
    if isinstance(value, str):
        return quote(value, safe="")
    if isinstance(value, Mapping):
        return {name: _encoded(each) for name, each in value.items()}
    return [_encoded(each) for each in value] if isinstance(value, list) else value
