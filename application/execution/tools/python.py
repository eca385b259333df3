"""Tools of kind `python`: a function of the user's, in the sandbox; and scripts of models."""

from functools import lru_cache
from typing import Any

from orbiter.application.execution.tools.run_python import run_python as script_result
from orbiter.application.execution.tools.signatures import function_of
from orbiter.application.execution.tools.tool_run import ToolRun
from orbiter.application.ports.sandbox import SandboxError


async def python(run: ToolRun) -> Any:
    """Return what the tool's function returns; what it prints goes to the logs."""
    code = run.tool.config["code"]
    try:
        done = await run.world.sandbox.call(code, _function(code), run.arguments)
    except SandboxError as error:
        _log(run, error.stdout)
        raise
    _log(run, done.stdout)
    return done.value


async def run_python(run: ToolRun) -> Any:
    """Return `{result, stdout}` of a script; what it prints goes to the logs."""
    try:
        output, _ = await script_result(run.world.sandbox, run.arguments)
    except SandboxError as error:
        _log(run, error.stdout)
        raise
    _log(run, output["stdout"])
    return {**output, "stdout": run.secrets.told(output["stdout"])}


def _log(run: ToolRun, stdout: str) -> None:
    # Line by line, a secret of several lines would not be recognised.
    run.logs.extend(run.secrets.told(stdout).splitlines())


@lru_cache(maxsize=256)
def _function(code: str) -> str:
    return function_of(code).name
