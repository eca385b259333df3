"""The processor's time, which the runs of a process take in turns."""

import asyncio
from typing import Final

SLICE: Final = 0.002
_LONG: Final = 0.02
_LONGEST_PAUSE: Final = 0.1


class Processor:
    """Lets one run at a time go on computing, with room for everything else before each turn.

    A run computes for *slice_seconds* before it queues for another turn.
    """

    def __init__(self, slice_seconds: float = SLICE) -> None:
        self.slice_seconds = slice_seconds
        self._turn = asyncio.Lock()

    async def give_way(self, computed: float) -> None:
        """Wait for the next turn, after having *computed* for so many seconds."""
        async with self._turn:
            # A long slice, which one template may take, is made up for by a pause as long.
            await asyncio.sleep(min(computed, _LONGEST_PAUSE) if computed > _LONG else 0)
