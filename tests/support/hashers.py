"""Password hashers that see, or decide, what happens while they work."""

import asyncio

from orbiter.adapters.memory.storage import MemoryStorage
from orbiter.application.credentials import NO_WORKSPACE
from support.office import CHEAP


class WatchfulHasher:
    """A hasher that writes to *storage* while it works: stuck if a unit of work is open."""

    def __init__(self, storage: MemoryStorage) -> None:
        self.storage = storage
        self.calls = 0

    async def hash(self, password: str) -> str:
        await self._write()
        return await CHEAP.hash(password)

    async def verify(self, password: str, kept: str | None) -> bool:
        await self._write()
        return await CHEAP.verify(password, kept)

    async def _write(self) -> None:
        self.calls += 1
        async with asyncio.timeout(5), self.storage.open(NO_WORKSPACE):
            pass


class HeldHasher:
    """A hasher that has *reached* its answer, and gives it once it is *released*."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self.released = asyncio.Event()

    async def hash(self, password: str) -> str:
        made = await CHEAP.hash(password)
        await self._hold()
        return made

    async def verify(self, password: str, kept: str | None) -> bool:
        right = await CHEAP.verify(password, kept)
        await self._hold()
        return right

    async def _hold(self) -> None:
        self.reached.set()
        await self.released.wait()
