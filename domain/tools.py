"""Tools: what agents and workflows can do beside talking."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, TypedDict, Unpack

from orbiter.domain.checks import require, text_problems
from orbiter.domain.errors import FieldProblem
from orbiter.domain.http_requests import REQUEST_SETTINGS, missing_auth
from orbiter.domain.searching import folded
from orbiter.domain.settings import Number, Object, Shape, Text

NAME_PATTERN: Final = "^[a-zA-Z0-9_-]{1,64}$"
NAME_MAX: Final = 64
DESCRIPTION_MAX: Final = 4096
PARAMETERS_MAX: Final = 64 * 1024
CONFIG_MAX: Final = 256 * 1024
TIMEOUT_MAX: Final = 300
VERSION_MAX: Final = 2**31 - 1

_NAME: Final = re.compile(NAME_PATTERN.removesuffix("$"))
_ADDRESS: Final = re.compile(r"https?://|\s*\{[{%]", re.IGNORECASE)
_VERSION: Final = Number(1, VERSION_MAX, whole=True)


class ToolKind(StrEnum):
    """How a tool works."""

    BUILTIN = "builtin"
    PYTHON = "python"
    HTTP = "http"
    MCP = "mcp"
    WORKFLOW = "workflow"
    AGENT = "agent"


# What the `config` of each kind may hold.
CONFIGS: Final[Mapping[ToolKind, Shape]] = {
    ToolKind.BUILTIN: Shape({}),
    ToolKind.PYTHON: Shape({"code": Text(verbatim=True)}, required=frozenset({"code"})),
    ToolKind.HTTP: Shape(
        {**REQUEST_SETTINGS, "timeout_seconds": Number(0.001, TIMEOUT_MAX)},
        required=frozenset({"url"}),
    ),
    ToolKind.MCP: Shape(
        {"url": Text(), "headers": Object(Text()), "server_id": Text(), "tool": Text()},
        required=frozenset({"url"}),
    ),
    ToolKind.WORKFLOW: Shape(
        {"workflow_id": Text(), "version": _VERSION}, required=frozenset({"workflow_id"})
    ),
    ToolKind.AGENT: Shape(
        {"agent_id": Text(), "version": _VERSION}, required=frozenset({"agent_id"})
    ),
}


class ToolChanges(TypedDict, total=False):
    """Fields that may be revised; an absent key means leave it alone."""

    name: str
    description: str
    parameters: Mapping[str, Any]
    config: Mapping[str, Any]
    enabled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A tool; one without a project, and in no workspace, is built in.

    *parameters* is a JSON Schema of type object. *config* is what its kind needs: `python` {code},
    `http` {method, url, headers, query, body, auth, …} as templates over `arguments` and `secrets`,
    `mcp` {url, headers?} for a server and {url, headers?, server_id, tool} for one of its tools,
    `workflow` {workflow_id, version?}, `agent` {agent_id, version?}.
    """

    id: str
    workspace_id: str
    project_id: str | None
    name: str
    description: str = ""
    kind: ToolKind
    parameters: Mapping[str, Any] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    enabled: bool = True
    usage_count: int = 0
    created_by: str | None = None
    created_at: datetime
    updated_at: datetime

    def __post_init__(self) -> None:
        require(
            name_problems(self.name),
            text_problems("description", self.description, maximum=DESCRIPTION_MAX),
        )

    @property
    def is_server(self) -> bool:
        """Say whether it stands for a remote server, whose tools are tools of their own."""
        return self.kind is ToolKind.MCP and "tool" not in self.config

    @property
    def server_id(self) -> str | None:
        """Return the id of the remote server that offers it, if one does."""
        return self.config.get("server_id") if self.kind is ToolKind.MCP else None

    @property
    def searchable(self) -> str:
        """Return what it is found by, folded: its name and its description."""
        return folded(f"{self.name}\n{self.description}")

    def problems(self) -> Iterator[FieldProblem]:
        """Yield what is wrong with its settings, as far as it can be seen in them alone."""
        yield from config_problems(self.kind, self.config)
        yield from parameters_problems(self.parameters)

    def revise(self, *, at: datetime, **changes: Unpack[ToolChanges]) -> "Tool":
        """Return the tool with *changes* applied."""
        return replace(self, updated_at=at, **changes)


def name_problems(name: str | None) -> Iterator[FieldProblem]:
    """Yield what is wrong with the name of a tool, if one is given."""
    if name is not None and not _NAME.fullmatch(name):
        message = f"String should match pattern '{NAME_PATTERN}'"
        yield FieldProblem("name", message, "string_pattern_mismatch")


def config_problems(kind: ToolKind, config: Mapping[str, Any]) -> Iterator[FieldProblem]:
    """Yield what is wrong with the settings of a tool of that kind."""
    found = list(CONFIGS[kind].problems("config", config))
    yield from found
    if kind is ToolKind.HTTP and not found:
        yield from _request_problems(config)
    yield from _size_problems("config", config, CONFIG_MAX)


def parameters_problems(parameters: Mapping[str, Any]) -> Iterator[FieldProblem]:
    """Yield why *parameters* can't describe arguments, apart from being a JSON Schema at all."""
    if parameters.get("type") != "object":
        yield FieldProblem("parameters.type", "Input should be 'object'", "enum")
    yield from _size_problems("parameters", parameters, PARAMETERS_MAX)


def _request_problems(config: Mapping[str, Any]) -> Iterator[FieldProblem]:
    if not _ADDRESS.match(config["url"]):
        message = "URL should begin with http:// or https://, or with a template"
        yield FieldProblem("config.url", message)
    for part in missing_auth(config):
        yield FieldProblem(f"config.auth.{part}", "Field required", "missing")


def _size_problems(field: str, value: Mapping[str, Any], maximum: int) -> Iterator[FieldProblem]:
    text = json.dumps(value)
    if len(text) > maximum:
        yield FieldProblem(field, f"JSON should have at most {maximum // 1024} KiB")
    if "\\u0000" in text:
        yield FieldProblem(field, "Strings should not contain NUL characters")
