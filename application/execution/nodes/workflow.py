"""`workflow`: runs another workflow as a child run, and waits for its end."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from orbiter.application.execution.outcome import NodeFailed, Outcome
from orbiter.application.execution.visit import Visit
from orbiter.application.ports.execution import ChildRuns, EffectError, Parked
from orbiter.domain.runs import Run, RunStatus


async def behave(visit: Visit) -> Outcome:
    """Give the child's output; fail with CHILD_FAILED or CHILD_CANCELLED when it has none.

    Each attempt has a child of its own, whose id follows from where the node stands.
    """
    child_id = visit.place.child_of(visit.key)
    config = {name: visit.render(value) for name, value in visit.config.items()}
    visit.input = {**config, "run_id": child_id}
    end = await visit.decided("end")
    if end is None:
        await _start(visit, child_id, config)
        end = await visit.decide("end", await _end(visit, child_id))
    if end["status"] == RunStatus.COMPLETED:
        return Outcome(end["output"])
    raise NodeFailed(end["code"], end["message"])


async def _start(visit: Visit, child_id: str, config: Mapping[str, Any]) -> None:
    children = _children(visit)
    inputs = config.get("inputs") or {}
    workflow_id, version = str(config["workflow_id"]), config.get("version")

    async def start() -> None:
        await children.start(
            visit.journey.run, child_id, workflow_id, inputs=inputs, version=version
        )

    await visit.perform_once("start", start)


async def _end(visit: Visit, child_id: str) -> Mapping[str, Any]:
    """Return how the child ended, or that it was too late and is cancelled; else raise Parked."""
    children, parent = _children(visit), visit.journey.run
    deadline = await _deadline(visit)
    try:
        child = await children.ended(parent, child_id)
    except EffectError as error:
        return {"status": RunStatus.FAILED.value, "code": error.code, "message": error.message}
    if child is None and (deadline is None or visit.world.clock.now() < deadline):
        raise Parked(deadline)
    if child is not None:
        return _told(child)
    await children.cancel(parent, child_id)
    message = f"The child run took more than {visit.node.timeout_seconds:g} s"
    return {"status": RunStatus.FAILED.value, "code": "TIMEOUT", "message": message}


async def _deadline(visit: Visit) -> datetime | None:
    if visit.node.timeout_seconds is None:
        return None
    begun = await visit.decide("begun", visit.world.clock.now().isoformat())
    return datetime.fromisoformat(begun) + timedelta(seconds=visit.node.timeout_seconds)


def _told(child: Run) -> Mapping[str, Any]:
    status = child.status.value
    if child.status is RunStatus.COMPLETED:
        return {"status": status, "output": child.output}
    if child.error is None:
        return {"status": status, "code": "CHILD_CANCELLED", "message": "The run was cancelled"}
    message = f"{child.error.code}: {child.error.message}"
    return {"status": status, "code": "CHILD_FAILED", "message": message}


def _children(visit: Visit) -> ChildRuns:
    if visit.journey.children is None:
        raise RuntimeError("The executor has no children")
    return visit.journey.children
