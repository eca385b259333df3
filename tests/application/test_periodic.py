"""Work done again and again: at once, then in time, whatever it raises."""

import logging
from collections.abc import Awaitable, Callable

import pytest

from orbiter.application.periodic import Periodic
from orbiter.domain.errors import Unavailable
from support.virtual_time import VirtualClock


class Work:
    """Note when it is done, and raise what it was given."""

    def __init__(self, clock: VirtualClock, *raised: Exception) -> None:
        self.clock = clock
        self.raised = list(raised)
        self.done_at: list[float] = []
        self.began = clock.now()

    async def __call__(self) -> None:
        self.done_at.append((self.clock.now() - self.began).total_seconds())
        if self.raised:
            raise self.raised.pop(0)


async def over(clock: VirtualClock, seconds: float, work: Callable[[], Awaitable[None]]) -> None:
    """Do the work every second, for so long."""
    periodic = Periodic("Working", work, 1, clock)

    async def go_on() -> None:
        periodic.start()
        periodic.start()
        await clock.sleep(seconds)
        await periodic.stop()
        await clock.sleep(10)

    await clock.through(go_on())
    await periodic.stop()


async def test_it_is_done_at_once_and_then_every_so_often_until_stopped() -> None:
    clock = VirtualClock()
    work = Work(clock)
    await over(clock, 3.5, work)
    assert work.done_at == [0, 1, 2, 3]


async def test_what_it_raises_ends_nothing_and_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = VirtualClock()
    work = Work(clock, ZeroDivisionError(), Unavailable("The database does not answer"))
    with caplog.at_level(logging.WARNING):
        await over(clock, 2.5, work)
    assert work.done_at == [0, 1, 2]
    assert [record.getMessage() for record in caplog.records] == [
        "Working failed",
        "Working: The database does not answer",
    ]
