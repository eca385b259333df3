"""Rate limits counted by PostgreSQL, for all processes: one statement a hit."""

import math
import time
from hashlib import sha256
from typing import Any, Final

from sqlalchemy import BigInteger, Boolean, Column, Float, Integer, Table, text

from orbiter.adapters.sql.columns import Hash
from orbiter.adapters.sql.database import Database
from orbiter.adapters.sql.metadata import metadata
from orbiter.application.ports.identity import Allowance, Rate

SWEEP_SECONDS: Final = 600.0

# Unlogged in PostgreSQL: a crash may forget the counters. Empty in SQLite, which has one process.
rate_limits: Final = Table(
    "rate_limits",
    metadata,
    Column("key", Hash, primary_key=True),
    Column("period", BigInteger, nullable=False),
    Column("earlier", Integer, nullable=False),
    Column("current", Integer, nullable=False),
    Column("allowed", Boolean, nullable=False),
    Column("hit_at", Float(53), nullable=False),
    Column("expires_at", Float(53), nullable=False, index=True),
)

# A sliding window counter: the hits of the window before count as far as it still overlaps the
# last *seconds*. The lock of the row makes hits of one key take turns; the clock is the server's.
_HIT: Final = text(
    """
    INSERT INTO rate_limits AS kept
        (key, period, earlier, current, allowed, hit_at, expires_at)
    SELECT :key, floor(now / :seconds), 0, 1, true, now, now + 2 * :seconds
    FROM (SELECT extract(epoch FROM clock_timestamp())::float8 AS now) AS clock
    ON CONFLICT (key) DO UPDATE
    SET (period, earlier, current, allowed, hit_at, expires_at) = (
        SELECT excluded.period, past.earlier, past.current + fits::int, fits,
            excluded.hit_at, excluded.expires_at
        FROM (
            SELECT
                CASE excluded.period - kept.period
                    WHEN 0 THEN kept.earlier WHEN 1 THEN kept.current ELSE 0 END AS earlier,
                CASE excluded.period - kept.period
                    WHEN 0 THEN kept.current ELSE 0 END AS current
        ) AS past,
        LATERAL (
            SELECT floor(past.earlier * (excluded.period + 1 - excluded.hit_at / :seconds))
                + past.current + 1 <= :amount AS fits
        ) AS verdict
    )
    RETURNING period, earlier, current, allowed, hit_at
    """
)
_SWEEP: Final = text(
    """
    DELETE FROM rate_limits WHERE key IN (
        SELECT key FROM rate_limits
        WHERE expires_at < extract(epoch FROM clock_timestamp())
        FOR UPDATE SKIP LOCKED
    )
    """
)


class SqlRateLimiter:
    """Sliding windows of all processes that share a PostgreSQL; two counters per caller."""

    def __init__(self, database: Database, *, sweep_seconds: float = SWEEP_SECONDS) -> None:
        """Count in *database*; delete what has expired every *sweep_seconds*."""
        self._database = database
        self._sweep_seconds = sweep_seconds
        self._sweep_at = time.monotonic() + sweep_seconds

    async def hit(self, name: str, who: str, rate: Rate) -> Allowance:
        """Count one hit of *who* under the limit *name*; one that is refused does not count."""
        who_and_what = f"{name}\0{rate.seconds}\0{who}".encode(errors="surrogatepass")
        counted = await self._database.write_alone(
            _HIT,
            {
                "key": sha256(who_and_what).hexdigest(),
                "seconds": float(rate.seconds),
                "amount": float(rate.amount),
            },
        )
        await self._sweep()
        return _allowance(counted.one(), rate)

    async def _sweep(self) -> None:
        if time.monotonic() >= self._sweep_at:
            self._sweep_at = time.monotonic() + self._sweep_seconds
            await self._database.write_alone(_SWEEP, {})


def _allowance(row: Any, rate: Rate) -> Allowance:
    overlap = row.period + 1 - row.hit_at / rate.seconds
    used = math.floor(row.earlier * overlap) + row.current
    if not row.allowed and row.current < rate.amount:
        # Until so much of the window before has gone by that a hit fits in.
        overlap -= (rate.amount - row.current) / row.earlier
    return Allowance(
        allowed=row.allowed,
        limit=rate.amount,
        remaining=max(0, rate.amount - used) if row.allowed else 0,
        reset_after=max(1, math.ceil(overlap * rate.seconds)),
    )
