"""`merge`: where branches meet. When it runs is the walk's matter; see `Walk`."""

from orbiter.application.execution.outcome import Outcome
from orbiter.application.execution.visit import Visit


async def behave(visit: Visit) -> Outcome:
    """Give the live inputs' outputs by node id; the first one's alone if `join` is `any`."""
    visit.input = dict(visit.inputs)
    if visit.config.get("join") == "any":
        return Outcome(visit.before)
    return Outcome(dict(visit.inputs))
