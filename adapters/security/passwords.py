"""Passwords: Argon2id in threads of its own."""

import asyncio
import secrets
from concurrent.futures import ThreadPoolExecutor
from typing import Final
from unicodedata import normalize

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

# OWASP's recommendation of 2026 for Argon2id, in KiB, passes and lanes.
MEMORY_KIB: Final = 19 * 1024
PASSES: Final = 2
LANES: Final = 1
# So few that a storm of sign-ins leaves the event loop a core; the rest of them queue.
THREADS: Final = 2


class Argon2PasswordHasher:
    """Argon2id; *memory_kib* and *passes* are its cost, to be lowered by tests alone."""

    def __init__(self, *, memory_kib: int = MEMORY_KIB, passes: int = PASSES) -> None:
        self._argon2 = PasswordHasher(time_cost=passes, memory_cost=memory_kib, parallelism=LANES)
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="passwords")
        self._nobodys = self._argon2.hash(secrets.token_urlsafe())

    async def hash(self, password: str) -> str:
        """Return a hash to keep, with its salt and its cost inside."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._argon2.hash, _typed(password))

    async def verify(self, password: str, kept: str | None) -> bool:
        """Say whether *password* is the one; takes as long when nothing is *kept*."""
        loop = asyncio.get_running_loop()
        right = await loop.run_in_executor(
            self._threads, self._matches, _typed(password), kept or self._nobodys
        )
        return right and kept is not None

    def close(self) -> None:
        """Give the threads back; what is still queued is dropped."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _matches(self, password: str, kept: str) -> bool:
        try:
            return self._argon2.verify(kept, password)
        except (VerificationError, InvalidHashError):
            return False


def _typed(password: str) -> str:
    # Keyboards differ in how they write an accented letter (RFC 8265, 4.2.2).
    return normalize("NFC", password)
