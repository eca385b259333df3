"""What a node tells the members of the workspace, once in all executions of the run."""

from datetime import datetime
from typing import Any

from orbiter.application.execution.visit import Visit
from orbiter.application.ports.notifications import Notice
from orbiter.domain.identity import Permission
from orbiter.domain.notifications import NotificationKind


async def give_notice(
    visit: Visit,
    kind: NotificationKind,
    message: Any,
    *,
    to: Permission,
    subject: str | None = None,
) -> int:
    """Notify the active members who hold the permission *to*; return how many there are.

    It is one notice however often an attempt gives it. No secret is shown.
    """
    assert visit.step is not None
    begun = await visit.decide("noticed", visit.world.clock.now().isoformat())
    redacted = visit.journey.secrets.redacted
    notice = Notice(
        key=visit.key,
        kind=kind,
        to=to,
        subject=redacted(subject),
        node=visit.step.name,
        message=redacted(message),
        step_id=visit.step.id,
        at=datetime.fromisoformat(begun),
    )
    return await visit.world.notices.send(visit.journey.run, notice)
