"""Idempotency keys in SQL."""

from datetime import datetime
from typing import Final

from sqlalchemy import (
    Column,
    Index,
    String,
    Table,
    and_,
    bindparam,
    delete,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert  # SQLite speaks it too

from orbiter.adapters.sql.columns import Hash, Instant, Sealed
from orbiter.adapters.sql.database import Database
from orbiter.adapters.sql.metadata import metadata
from orbiter.application.ports.idempotency import KEPT, Claim

idempotency_keys: Final = Table(
    "idempotency_keys",
    metadata,
    Column("user_id", String(255), primary_key=True),
    Column("key", String(255), primary_key=True),
    Column("fingerprint", Hash, nullable=False),
    Column("answer", Sealed),
    Column("claimed_at", Instant, nullable=False),
    Index(None, "claimed_at"),
)

_keys = idempotency_keys.c
_THE_ROW: Final = (_keys.user_id == bindparam("who"), _keys.key == bindparam("what"))
_INSERT: Final = insert(idempotency_keys)
_CLAIM: Final = _INSERT.on_conflict_do_update(
    index_elements=[_keys.user_id, _keys.key],
    set_={
        "fingerprint": _INSERT.excluded.fingerprint,
        "answer": None,
        "claimed_at": _INSERT.excluded.claimed_at,
    },
    where=or_(
        and_(_keys.answer.is_(None), _keys.claimed_at < bindparam("stale", type_=Instant)),
        _keys.claimed_at < bindparam("expired", type_=Instant),
    ),
).returning(_keys.key)
_FIND: Final = select(_keys.fingerprint, _keys.answer, _keys.claimed_at).where(*_THE_ROW)
_KEEP: Final = update(idempotency_keys).where(*_THE_ROW)
_RELEASE: Final = delete(idempotency_keys).where(*_THE_ROW)
_EXPIRE: Final = delete(idempotency_keys).where(_keys.claimed_at < bindparam("expired"))


class SqlIdempotencyStore:
    """Claims of all processes; what has expired is deleted once per KEPT by each process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._swept_at: datetime | None = None

    async def claim(
        self, user_id: str, key: str, fingerprint: str, *, at: datetime, stale: datetime
    ) -> Claim | None:
        """Take the key and return None, or return what another request stored under it."""
        wanted = {
            "user_id": user_id,
            "key": key,
            "fingerprint": fingerprint,
            "answer": None,
            "claimed_at": at,
            "stale": stale,
            "expired": at - KEPT,
        }
        await self._sweep(at)
        while True:  # until nobody releases the key between the two statements
            if (await self._database.write_alone(_CLAIM, wanted)).first() is not None:
                return None
            async with self._database.reading() as transaction:
                row = await transaction.first(_FIND, {"who": user_id, "what": key})
            if row is not None:
                return Claim(**row._mapping)

    async def keep(self, user_id: str, key: str, answer: bytes) -> None:
        """Store the answer under a key that was claimed."""
        await self._database.write_alone(_KEEP, {"who": user_id, "what": key, "answer": answer})

    async def release(self, user_id: str, key: str) -> None:
        """Forget a claim, so that the request may be tried again."""
        await self._database.write_alone(_RELEASE, {"who": user_id, "what": key})

    async def _sweep(self, at: datetime) -> None:
        if self._swept_at is not None and at - self._swept_at < KEPT:
            return
        self._swept_at = at
        await self._database.write_alone(_EXPIRE, {"expired": at - KEPT})
