"""The processor's time, which the runs of a process take in turns."""

import asyncio
from typing import Final

# Computing gives way to what else the process has to do after so many seconds.
SLICE: Final = 0.005
_LONG: Final = 4 * SLICE
_LONGEST_PAUSE: Final = 0.1


class Processor:
    """Lets one run at a time go on computing, with room in between for everything else."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()

    async def give_way(self, seconds: float) -> None:
        """Wait for the next turn, after having computed for *seconds*."""
        async with self._turn:
            # A long slice, which one template may take, is made up for by a pause as long.
            await asyncio.sleep(min(seconds, _LONGEST_PAUSE) if seconds > _LONG else 0)
