"""`calculator`: arithmetic."""

from typing import Any

from orbiter.application.execution.outcome import NodeFailed
from orbiter.application.execution.tools.tool_run import ToolRun
from orbiter.domain.arithmetic import NotWorkedOut, worked_out


async def calculator(run: ToolRun) -> Any:
    """Return the value of the expression; fail with CALCULATION_FAILED."""
    try:
        return worked_out(run.arguments["expression"])
    except NotWorkedOut as reason:
        raise NodeFailed("CALCULATION_FAILED", str(reason)) from None
