"""What each kind of node does, one module per kind; a new kind is entered in BEHAVIOURS.

A behaviour is `async def behave(visit) -> Outcome`. That of a pure kind awaits nothing; any other
reaches the world through `visit.perform` and `visit.sleep`. It raises NodeFailed with a code.
"""

from collections.abc import Mapping
from typing import Final

from orbiter.application.execution.nodes import (
    agent,
    approval,
    classifier,
    code,
    condition,
    delay,
    end,
    http,
    llm,
    loop,
    merge,
    notify,
    start,
    template,
    tool,
    transform,
    variable,
    workflow,
)
from orbiter.application.execution.visit import Behaviour

BEHAVIOURS: Final[Mapping[str, Behaviour]] = {
    "agent": agent.behave,
    "approval": approval.behave,
    "classifier": classifier.behave,
    "code": code.behave,
    "condition": condition.behave,
    "delay": delay.behave,
    "end": end.behave,
    "http": http.behave,
    "llm": llm.behave,
    "loop": loop.behave,
    "merge": merge.behave,
    "notify": notify.behave,
    "start": start.behave,
    "template": template.behave,
    "tool": tool.behave,
    "transform": transform.behave,
    "variable": variable.behave,
    "workflow": workflow.behave,
}
