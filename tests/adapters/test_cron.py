"""Ticks of cron expressions: time zones, the two days a clock changes, and what is refused."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orbiter.adapters.system.cron import CronCalendar
from orbiter.domain.errors import Invalid
from support.office import wrong_fields

CALENDAR = CronCalendar()
BERLIN = "Europe/Berlin"
fields = st.text("0123456789*/-,L#WADEJMNOT", min_size=1, max_size=6)


def ticks(cron: str, timezone: str, *, after: str, until: str) -> list[str]:
    """Return the ticks between two moments in UTC."""
    at, end = (datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (after, until))
    found: list[str] = []
    while True:
        at = CALENDAR.next_tick(cron, timezone, after=at) or end
        if at >= end:
            return found
        found.append(f"{at:%m-%dT%H:%M}")


def test_a_tick_is_read_in_its_time_zone() -> None:
    after = datetime(2026, 11, 25, 9, 30, tzinfo=UTC)
    for timezone, expected in (("UTC", 10), (BERLIN, 9), ("Asia/Kolkata", 4)):
        tick = CALENDAR.next_tick("0 10 26 11 *", timezone, after=after)
        minute = 30 if timezone == "Asia/Kolkata" else 0
        assert tick == datetime(2026, 11, 26, expected, minute, tzinfo=UTC)


def test_a_tick_is_after_not_at_a_moment() -> None:
    at = datetime(2026, 11, 25, 10, 0, tzinfo=UTC)
    assert CALENDAR.next_tick("0 * * * *", "UTC", after=at) == at + timedelta(hours=1)
    before = at - timedelta(milliseconds=1)
    assert CALENDAR.next_tick("0 * * * *", "UTC", after=before) == at


@pytest.mark.parametrize("hour", [1, 2, 3])
def test_a_job_of_a_fixed_hour_ticks_once_on_each_day_the_clock_changes(hour: int) -> None:
    spring = ticks(f"30 {hour} * * *", BERLIN, after="2026-03-28T12:00", until="2026-03-29T22:00")
    autumn = ticks(f"30 {hour} * * *", BERLIN, after="2026-10-24T12:00", until="2026-10-25T23:00")
    assert (len(spring), len(autumn)) == (1, 1)


def test_an_hour_that_does_not_come_is_made_up_for_at_once() -> None:
    found = ticks("30 2 * * *", BERLIN, after="2026-03-28T12:00", until="2026-03-30T12:00")
    assert found == ["03-29T01:00", "03-30T00:30"]


def test_an_hour_that_comes_twice_counts_the_first_time() -> None:
    found = ticks("30 2 * * *", BERLIN, after="2026-10-24T12:00", until="2026-10-26T12:00")
    assert found == ["10-25T00:30", "10-26T01:30"]


def test_a_look_between_the_two_times_of_an_hour_ticks_no_second_time() -> None:
    between = datetime(2026, 10, 25, 1, 10, tzinfo=UTC)
    tick = CALENDAR.next_tick("30 2 * * *", BERLIN, after=between)
    assert tick == datetime(2026, 10, 26, 1, 30, tzinfo=UTC)


def test_a_job_of_every_hour_ticks_as_often_as_there_are_hours() -> None:
    for day, hours in (("2026-03-28T23:00", 23), ("2026-10-24T22:00", 25)):
        until = datetime.fromisoformat(day) + timedelta(hours=hours)
        assert len(ticks("30 * * * *", BERLIN, after=day, until=until.isoformat())) == hours


def test_the_29th_of_february_comes_in_its_year() -> None:
    tick = CALENDAR.next_tick("0 0 29 2 *", "UTC", after=datetime(2026, 3, 1, tzinfo=UTC))
    assert tick == datetime(2028, 2, 29, tzinfo=UTC)


@pytest.mark.parametrize(
    "cron",
    ["", "* * * *", "* * * * * *", "60 * * * *", "0 24 * * *", "0 0 30 2 *", "@daily", "a b c d e"],
)
def test_what_is_no_cron_expression_is_refused(cron: str) -> None:
    with pytest.raises(Invalid) as refusal:
        CALENDAR.next_tick(cron, "UTC", after=datetime(2026, 11, 25, tzinfo=UTC))
    assert wrong_fields(refusal.value) == {"cron": "value_error"}


@pytest.mark.parametrize(
    "timezone", ["", "Europe", "Europe/Bielefeld", "../../etc/passwd", "/etc/localtime", "\0", "+1"]
)
def test_what_is_no_time_zone_is_refused_together_with_the_rest(timezone: str) -> None:
    with pytest.raises(Invalid) as refusal:
        CALENDAR.next_tick("nonsense", timezone, after=datetime(2026, 11, 25, tzinfo=UTC))
    assert wrong_fields(refusal.value) == {"cron": "value_error", "timezone": "value_error"}


@settings(max_examples=300, deadline=None)
@given(st.lists(fields, min_size=5, max_size=5).map(" ".join))
def test_an_expression_ticks_in_the_future_or_is_refused(cron: str) -> None:
    after = datetime(2026, 11, 25, 9, 30, 0, 1000, tzinfo=UTC)
    try:
        tick = CALENDAR.next_tick(cron, BERLIN, after=after)
    except Invalid as refusal:
        assert wrong_fields(refusal) == {"cron": "value_error"}
    else:
        assert tick is None or tick > after
