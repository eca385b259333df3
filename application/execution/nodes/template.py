"""`template`: a text made of what the nodes before gave."""

from orbiter.application.execution.outcome import Outcome
from orbiter.application.execution.visit import Visit


async def behave(visit: Visit) -> Outcome:
    """Give the rendered `template`."""
    return Outcome(visit.render(visit.config["template"]))
