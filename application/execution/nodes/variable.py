"""`variable`: sets a name in `vars`."""

from orbiter.application.execution.outcome import Outcome
from orbiter.application.execution.visit import Visit


async def behave(visit: Visit) -> Outcome:
    """Set `vars.<name>` for the nodes behind, and give the value."""
    name, value = visit.config["name"], visit.render(visit.config.get("value"))
    visit.input = {"name": name, "value": value}
    variables = visit.sight.variables.set(name, value, visit.rank)
    return Outcome(value, variables=variables)
