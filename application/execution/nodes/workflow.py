"""`workflow`: runs another workflow as a child run, and waits for its end."""

from orbiter.application.execution.children import child_output
from orbiter.application.execution.outcome import Outcome
from orbiter.application.execution.visit import Visit


async def behave(visit: Visit) -> Outcome:
    """Give the child's output; fail with CHILD_FAILED or CHILD_CANCELLED when it has none.

    Each attempt has a child of its own, whose id follows from where the node stands.
    """
    child_id = visit.place.child_of(visit.key)
    config = {name: visit.render(value) for name, value in visit.config.items()}
    visit.input = {**config, "run_id": child_id}
    output = await child_output(
        visit.journey,
        visit.records,
        child_id,
        str(config["workflow_id"]),
        inputs=config.get("inputs") or {},
        version=config.get("version"),
        timeout_seconds=visit.node.timeout_seconds,
    )
    return Outcome(output)
