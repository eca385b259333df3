"""Work that goes on after the answer was given, so that the answer's time tells nothing of it."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, Final

_LOG: Final = logging.getLogger(__name__)


class Errands:
    """Run coroutines in the background; what they raise is logged, nobody waits for it."""

    __slots__ = ("_under_way",)

    def __init__(self) -> None:
        self._under_way: set[asyncio.Task[None]] = set()

    def begin(self, purpose: str, errand: Coroutine[Any, Any, None]) -> None:
        """Start *errand* and return at once; *purpose* is what a log says has failed."""
        task = asyncio.create_task(_logged(purpose, errand))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def finish(self) -> None:
        """Return when everything that was begun has ended."""
        while self._under_way:
            await asyncio.wait(self._under_way)


async def _logged(purpose: str, errand: Coroutine[Any, Any, None]) -> None:
    try:
        await errand
    except Exception as failure:
        # The kind alone: a message or a traceback could quote what is secret.
        _LOG.error("%s failed: %s", purpose, type(failure).__name__)
