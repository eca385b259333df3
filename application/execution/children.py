"""Child runs, from where they are started: once each, waited for without being here."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from orbiter.application.execution.journey import Journey
from orbiter.application.execution.outcome import NodeFailed
from orbiter.application.execution.records import Records
from orbiter.application.ports.execution import ChildRuns, EffectError, Parked
from orbiter.domain.runs import Run, RunStatus
from orbiter.domain.secrets import SecretValues


async def child_output(
    journey: Journey,
    records: Records,
    child_id: str,
    workflow_id: str,
    *,
    inputs: Any,
    version: int | None = None,
    timeout_seconds: float | None = None,
    begun: Callable[[], None] | None = None,
) -> Any:
    """Return the output of the child run of that id, which is started unless it was.

    *begun* is called when it is. Its inputs are kept and shown, so it gets none of the secrets in
    them. Raise Parked until it has ended, NodeFailed with CHILD_FAILED, CHILD_CANCELLED, TIMEOUT or
    why it can't be run.
    """
    end = await records.decided("end")
    if end is None:

        async def start() -> None:
            if begun is not None:
                begun()
            given = journey.secrets.redacted(inputs)
            await _children(journey).start(
                journey.run, child_id, workflow_id, inputs=given, version=version
            )

        await records.of("start").perform(start)
        end = await records.decide("end", await _end(journey, records, child_id, timeout_seconds))
    if end["status"] == RunStatus.COMPLETED:
        return end["output"]
    raise NodeFailed(end["code"], end["message"])


async def _end(
    journey: Journey, records: Records, child_id: str, timeout_seconds: float | None
) -> Mapping[str, Any]:
    """Return how the child ended, or that it was too late and is cancelled; else raise Parked."""
    children, clock = _children(journey), journey.world.clock
    deadline = None
    if timeout_seconds is not None:
        begun = await records.decide("begun", clock.now().isoformat())
        deadline = datetime.fromisoformat(begun) + timedelta(seconds=timeout_seconds)
    try:
        child = await children.ended(journey.run, child_id)
    except EffectError as error:
        return {"status": RunStatus.FAILED.value, "code": error.code, "message": error.message}
    if child is None and (deadline is None or clock.now() < deadline):
        raise Parked(deadline)
    if child is not None:
        return _told(child, journey.secrets)
    await children.cancel(journey.run, child_id)
    message = f"The child run took more than {timeout_seconds:g} s"
    return {"status": RunStatus.FAILED.value, "code": "TIMEOUT", "message": message}


def _told(child: Run, secrets: SecretValues) -> Mapping[str, Any]:
    # The child may know other secrets than its parent does.
    status = child.status.value
    if child.status is RunStatus.COMPLETED:
        return {"status": status, "output": secrets.redacted(child.output)}
    if child.error is None:
        return {"status": status, "code": "CHILD_CANCELLED", "message": "The run was cancelled"}
    message = secrets.told(f"{child.error.code}: {child.error.message}")
    return {"status": status, "code": "CHILD_FAILED", "message": message}


def _children(journey: Journey) -> ChildRuns:
    if journey.children is None:
        raise RuntimeError("The executor has no children")
    return journey.children
