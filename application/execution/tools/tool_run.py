"""One use of a tool, as its kind's behaviour sees it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from orbiter.application.execution.world import World
from orbiter.domain.secrets import NO_SECRETS, SecretValues
from orbiter.domain.tools import Tool


@dataclass(frozen=True, kw_only=True)
class ToolRun:
    """A tool at work on *arguments*, which follow its schema.

    *key* tells this use from every other, and is the same if it is made again after a crash.
    *run_id* names the run, or the trial, whose artifacts it may touch. What it appends to *logs* is
    shown in the trace.
    """

    tool: Tool
    arguments: Mapping[str, Any]
    workspace_id: str
    world: World
    key: str
    run_id: str
    secrets: SecretValues = NO_SECRETS
    logs: list[str] = field(default_factory=list)


ToolBehaviour = Callable[[ToolRun], Awaitable[Any]]
