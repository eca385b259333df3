"""`current_time`: the date and the time of day somewhere."""

from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from orbiter.application.execution.outcome import NodeFailed
from orbiter.application.execution.tools.tool_run import ToolRun


async def current_time(run: ToolRun) -> Any:
    """Return `{time, timezone, weekday, unix}`; fail with UNKNOWN_TIMEZONE."""
    name = run.arguments["timezone"]
    try:
        zone = ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        message = f"{name[:80]!r} is no IANA time zone such as Europe/Berlin or UTC"
        raise NodeFailed("UNKNOWN_TIMEZONE", message) from None
    now = run.world.clock.now()
    there = now.astimezone(zone)
    return {
        "time": there.isoformat(timespec="seconds"),
        "timezone": name,
        "weekday": f"{there:%A}",
        "unix": int(now.timestamp()),
    }
