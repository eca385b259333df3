"""`approval`: parks the run until somebody approves or rejects."""

from datetime import datetime, timedelta
from typing import Any, Final

from orbiter.application.execution.notices import give_notice
from orbiter.application.execution.outcome import NodeFailed, Outcome
from orbiter.application.execution.visit import Visit
from orbiter.application.ports.execution import Parked
from orbiter.domain.approvals import Decision, answer_of
from orbiter.domain.identity import Permission
from orbiter.domain.notifications import NotificationKind
from orbiter.domain.workflows.node_kinds import APPROVED, REJECTED

_FAIL: Final = "fail"


async def behave(visit: Visit) -> Outcome:
    """Give the answer, and leave by `approved` or `rejected`.

    Who may give one is told when it begins to wait. Without one in time
    `on_timeout` decides: approve, reject or, unless it says so, fail.
    """
    message = visit.render(visit.config["message"])
    visit.input = {"message": message, "fields": visit.config.get("fields")}
    deadline, then = await _deadline(visit)
    try:
        answer = await visit.answer(until=deadline)
    except Parked:
        if deadline is None or visit.world.clock.now() < deadline:
            await _tell_who_may_answer(visit, message)
            raise
        answer = await visit.answer_if_none(answer_of(then, at=deadline))
    if answer["decision"] == _FAIL:
        raise NodeFailed("TIMEOUT", "Nobody answered in time")
    return Outcome(answer, APPROVED if answer["decision"] == Decision.APPROVE else REJECTED)


async def _tell_who_may_answer(visit: Visit, message: Any) -> None:
    async def tell() -> None:
        # Whoever is told may answer at once.
        await visit.wait_openly()
        await give_notice(visit, NotificationKind.APPROVAL, message, to=Permission.WORKFLOWS_RUN)

    await visit.records.of("notice").perform(tell)


async def _deadline(visit: Visit) -> tuple[datetime | None, str]:
    """Return when it is too late for an answer, and what is done then."""
    bounds = [
        (float(seconds), str(then))
        for seconds, then in (
            (visit.config.get("timeout_seconds"), visit.config.get("on_timeout") or _FAIL),
            (visit.node.timeout_seconds, _FAIL),
        )
        if seconds is not None
    ]
    if not bounds:
        return None, _FAIL
    seconds, then = min(bounds)
    asked = await visit.decide("asked", visit.world.clock.now().isoformat())
    return datetime.fromisoformat(asked) + timedelta(seconds=seconds), then
