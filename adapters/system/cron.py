"""Times of cron expressions, by cronsim: what Debian's cron would do."""

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

from cronsim import CronSim, CronSimError

from orbiter.domain.errors import FieldProblem, Invalid

FIELDS: Final = 5


class CronCalendar:
    """Ticks by minute, hour, day of month, month and day of week, in any IANA time zone."""

    def next_tick(self, cron: str, timezone: str, *, after: datetime) -> datetime | None:
        """Return the first tick after *after* in UTC, or None when none comes in 50 years.

        A job of fixed hours ticks once on a day that lacks its hour or has it twice; one of every
        hour or minute ticks as often as there are. Raise Invalid for a wrong *cron* or *timezone*.
        """
        problems = [*cron_problems(cron), *timezone_problems(timezone)]
        if problems:
            raise Invalid(problems)
        ticks = CronSim(cron, after.astimezone(ZoneInfo(timezone)))
        # On the day an hour comes twice, cronsim begins with its first time whichever it is.
        later = (tick.astimezone(UTC) for tick in ticks)
        return next((tick for tick in later if tick > after), None)


def cron_problems(cron: str) -> Iterator[FieldProblem]:
    """Yield what is wrong with a cron expression."""
    if len(cron.split()) != FIELDS:
        message = "Five fields are needed: minute, hour, day of month, month, day of week"
        yield FieldProblem("cron", message)
        return
    try:
        CronSim(cron, datetime(2000, 1, 1, tzinfo=UTC))
    except CronSimError as error:
        yield FieldProblem("cron", f"{error}, or a date that never comes")


def timezone_problems(timezone: str) -> Iterator[FieldProblem]:
    """Yield what is wrong with the name of a time zone."""
    if timezone not in _timezones():
        yield FieldProblem("timezone", "Not the name of an IANA time zone, like Europe/Berlin")


@cache
def _timezones() -> frozenset[str]:
    return frozenset(available_timezones())
