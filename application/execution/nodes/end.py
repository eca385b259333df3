"""`end`: gives the run its output."""

from orbiter.application.execution.outcome import Outcome
from orbiter.application.execution.visit import Visit


async def behave(visit: Visit) -> Outcome:
    """Give the rendered `output`, or what the node before gave."""
    template = visit.config.get("output")
    return Outcome(visit.before if template is None else visit.render(template))
