"""Answers kept under an Idempotency-Key, so that a repeated request is not done twice."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

KEPT: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A key as it is stored: *answer* is None while the first request is still at work."""

    fingerprint: str
    answer: bytes | None
    claimed_at: datetime


class IdempotencyStore(Protocol):
    """Rows by (user, key), shared by all processes; each call is a transaction of its own."""

    async def claim(
        self, user_id: str, key: str, fingerprint: str, *, at: datetime, stale: datetime
    ) -> Claim | None:
        """Take the key and return None, or return what another request stored under it.

        A claim without an answer made before *stale* was left by a process that died, one with an
        answer older than KEPT has expired: both are taken over.
        """
        ...

    async def keep(self, user_id: str, key: str, answer: bytes) -> None:
        """Store the answer under a key that was claimed."""

    async def release(self, user_id: str, key: str) -> None:
        """Forget a claim, so that the request may be tried again."""
