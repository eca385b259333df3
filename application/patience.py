"""Waiting for storage that is away, for work that has to be done some time."""

import logging
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from orbiter.application.ports.system import Clock
from orbiter.domain.errors import Unavailable

FIRST_PAUSE: Final = 0.1
LONGEST_PAUSE: Final = 5.0

Given = TypeVar("Given")

log = logging.getLogger(__name__)


async def patiently(attempt: Callable[[], Awaitable[Given]], clock: Clock) -> Given:
    """Return what *attempt* gives, tried again, ever more seldom, while it raises Unavailable."""
    pause = FIRST_PAUSE
    while True:
        try:
            return await attempt()
        except Unavailable as error:
            log.warning("A run waits for storage: %s", error.message)
        await clock.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE)
