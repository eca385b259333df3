"""`start`: checks the run's inputs and applies their defaults."""

from orbiter.application.execution.outcome import NodeFailed, Outcome
from orbiter.application.execution.visit import Visit


async def behave(visit: Visit) -> Outcome:
    """Give the run's inputs, which had their defaults applied before anything ran."""
    inputs = visit.context["inputs"]
    visit.input = inputs
    schema = visit.config.get("inputs")
    problems = visit.world.schemas.problems(schema, inputs) if schema else ()
    if problems:
        told = "; ".join(f"{each.field or 'inputs'}: {each.message}" for each in problems)
        raise NodeFailed("INVALID_INPUTS", told)
    return Outcome(inputs)
