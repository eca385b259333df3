"""The tools that come with Orbiter: the same in every workspace, and not to be changed."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from orbiter.domain.tools import Tool, ToolKind

_BEGIN: Final = datetime(2026, 1, 1, tzinfo=UTC)
_TEXT: Final = {"type": "string"}
_PATH: Final = {"type": "string", "description": "Path in the run's folder, such as notes/a.md"}


def _builtin(number: int, name: str, description: str, *required: str, **properties: Any) -> Tool:
    return Tool(
        id=f"00000000-0000-7000-8000-{number:012x}",
        workspace_id="",
        project_id=None,
        name=name,
        description=description,
        kind=ToolKind.BUILTIN,
        parameters={
            "type": "object",
            "properties": properties,
            "required": list(required),
            "additionalProperties": False,
        },
        created_at=_BEGIN,
        updated_at=_BEGIN,
    )


_TOOLS: Final = (
    _builtin(
        1,
        "http_request",
        "Send an HTTP request to a public address; gives status, headers and body.",
        "url",
        method={
            "type": "string",
            "enum": ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"],
            "default": "GET",
        },
        url={"type": "string", "description": "An absolute http or https URL"},
        headers={"type": "object", "additionalProperties": _TEXT},
        query={"type": "object", "additionalProperties": True},
        body={"description": "A text, or JSON"},
    ),
    _builtin(
        2,
        "calculator",
        "Work out an arithmetic expression, such as (2 + 3) * sqrt(16) / 7.",
        "expression",
        expression={"type": "string", "maxLength": 1000},
    ),
    _builtin(
        3,
        "current_time",
        "Tell the date and time now.",
        timezone={
            "type": "string",
            "description": "IANA name, such as Europe/Berlin",
            "default": "UTC",
        },
    ),
    _builtin(
        4,
        "run_python",
        "Run Python in a sandbox without files and network; gives the last expression's value.",
        "code",
        code={"type": "string", "maxLength": 100_000},
        inputs={"type": "object", "description": "Names the code sees", "default": {}},
    ),
    _builtin(
        5,
        "web_search",
        "Search the web; gives titles, addresses and snippets.",
        "query",
        query={"type": "string", "minLength": 1, "maxLength": 400},
        limit={"type": "integer", "minimum": 1, "maximum": 20, "default": 5},
    ),
    _builtin(6, "read_file", "Read a text file of this run.", "path", path=_PATH),
    _builtin(
        7,
        "write_file",
        "Write a text file that belongs to this run, in place of one of the same path.",
        "path",
        "content",
        path=_PATH,
        content=_TEXT,
    ),
    _builtin(8, "list_files", "List the files of this run, with their sizes in bytes."),
)
BUILTIN_TOOLS: Final[Mapping[str, Tool]] = {tool.id: tool for tool in _TOOLS}
