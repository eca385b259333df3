"""Tools: what agents and workflows can do beside talking."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class ToolKind(StrEnum):
    """How a tool works."""

    BUILTIN = "builtin"
    PYTHON = "python"
    HTTP = "http"
    MCP = "mcp"
    WORKFLOW = "workflow"
    AGENT = "agent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A tool; one without a project is built in. *parameters* is a JSON Schema of type object.

    *config* is what its kind needs: `python` {code}, `http` {method, url, headers, query, body,
    auth} as templates over `arguments` and `secrets`, `mcp` {url, headers?} for a server and
    {url, headers?, server_id, tool} for one of its tools, `workflow` {workflow_id, version?},
    `agent` {agent_id, version?}.
    """

    id: str
    workspace_id: str | None
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

    @property
    def is_server(self) -> bool:
        """Say whether it stands for a remote server, whose tools are tools of their own."""
        return self.kind is ToolKind.MCP and "tool" not in self.config
