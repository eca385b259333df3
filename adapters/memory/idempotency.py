"""Idempotency keys in memory."""

from dataclasses import replace
from datetime import datetime

from orbiter.application.ports.idempotency import KEPT, Claim


class MemoryIdempotencyStore:
    """Claims of one process."""

    def __init__(self) -> None:
        self._claims: dict[tuple[str, str], Claim] = {}

    async def claim(
        self, user_id: str, key: str, fingerprint: str, *, at: datetime, stale: datetime
    ) -> Claim | None:
        """Take the key and return None, or return what another request stored under it."""
        kept = self._claims.get((user_id, key))
        if kept is not None and kept.claimed_at >= (stale if kept.answer is None else at - KEPT):
            return kept
        self._claims = {
            each: claim for each, claim in self._claims.items() if claim.claimed_at >= at - KEPT
        }
        self._claims[user_id, key] = Claim(fingerprint=fingerprint, answer=None, claimed_at=at)
        return None

    async def keep(self, user_id: str, key: str, answer: bytes) -> None:
        """Store the answer under a key that was claimed."""
        claim = self._claims.get((user_id, key))
        if claim is not None:
            self._claims[user_id, key] = replace(claim, answer=answer)

    async def release(self, user_id: str, key: str) -> None:
        """Forget a claim, so that the request may be tried again."""
        self._claims.pop((user_id, key), None)
