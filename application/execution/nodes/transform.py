"""`transform`: reshapes data, by JMESPath or by a mapping of templates."""

from orbiter.application.execution.outcome import Outcome
from orbiter.application.execution.visit import Visit


async def behave(visit: Visit) -> Outcome:
    """Give what `expression` picks, or the rendered `mapping`."""
    expression = visit.config.get("expression")
    if expression is None:
        return Outcome(visit.render(visit.config["mapping"]))
    return Outcome(visit.world.templates.pick(expression, visit.context))
