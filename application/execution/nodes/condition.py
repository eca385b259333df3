"""`condition`: one of several ways goes on."""

from orbiter.application.execution.outcome import Outcome
from orbiter.application.execution.visit import Visit


async def behave(visit: Visit) -> Outcome:
    """Leave by the handle of the first case that is true, else by `else`."""
    for case in visit.config["cases"]:
        if visit.evaluate(case["when"]):
            return _by(case["handle"])
    return _by(visit.node.kind.otherwise(visit.config))


def _by(handle: str) -> Outcome:
    return Outcome({"handle": handle}, handle)
