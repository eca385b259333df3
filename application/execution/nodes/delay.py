"""`delay`: lets time pass, and passes on what the node before gave."""

import math
from datetime import UTC, datetime
from typing import Any

from orbiter.application.execution.outcome import NodeFailed, Outcome
from orbiter.application.execution.visit import Visit
from orbiter.domain.workflows.node_kinds import MAX_DELAY_SECONDS


async def behave(visit: Visit) -> Outcome:
    """Wait for so many `seconds`, or `until` a time; one that is past is no wait."""
    if visit.config.get("until") is None:
        seconds = _seconds(visit)
    else:
        # How far off that is was found out when the node began.
        seconds = await visit.decide("seconds", _from_now(visit))
    bound = visit.node.timeout_seconds
    if bound is not None and bound < seconds:
        await visit.sleep(bound)
        raise NodeFailed("TIMEOUT", f"The node took more than {bound:g} s")
    await visit.sleep(seconds)
    return Outcome(visit.before)


def _seconds(visit: Visit) -> float:
    value = visit.render(visit.config["seconds"])
    visit.input = {"seconds": value}
    return _bounded(value)


def _from_now(visit: Visit) -> float:
    value = visit.render(visit.config["until"])
    visit.input = {"until": value}
    return _bounded(max((_time(value) - visit.world.clock.now()).total_seconds(), 0))


def _time(value: Any) -> datetime:
    try:
        time = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise NodeFailed("INVALID_DELAY", f"{value!r} is no RFC 3339 time") from None
    if time.tzinfo is None:
        raise NodeFailed("INVALID_DELAY", f"{value!r} lacks an offset from UTC, like Z")
    return time.astimezone(UTC)


def _bounded(value: Any) -> float:
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        raise NodeFailed("INVALID_DELAY", f"{value!r} is no number of seconds") from None
    if math.isnan(seconds) or not 0 <= seconds <= MAX_DELAY_SECONDS:
        raise NodeFailed("INVALID_DELAY", f"A delay takes 0 to {MAX_DELAY_SECONDS} seconds")
    return seconds
