"""`read_file`, `write_file` and `list_files`: the files of the run that the tool is used in."""

from typing import Any

from orbiter.application.artifacts import ArtifactError
from orbiter.application.execution.outcome import NodeFailed
from orbiter.application.execution.tools.tool_run import ToolRun


async def read_file(run: ToolRun) -> Any:
    """Return `{path, content}` of a file."""
    path = run.secrets.redacted(run.arguments["path"])
    try:
        return {"path": path, "content": await run.world.artifacts.read(run.run_id, path)}
    except ArtifactError as error:
        raise NodeFailed(error.code, error.message) from None


async def write_file(run: ToolRun) -> Any:
    """Write a file; return `{path, size_bytes}`."""
    path, content = (run.secrets.redacted(run.arguments[name]) for name in ("path", "content"))
    try:
        return {
            "path": path,
            "size_bytes": await run.world.artifacts.write(run.run_id, path, content),
        }
    except ArtifactError as error:
        raise NodeFailed(error.code, error.message) from None


async def list_files(run: ToolRun) -> Any:
    """Return `{files: [{path, size_bytes}]}`, in the order of their paths."""
    found = await run.world.artifacts.list(run.run_id)
    return {"files": [{"path": path, "size_bytes": size} for path, size in found]}
