"""Effects: run once, recorded by their key, and told from the record ever after."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from orbiter.adapters.durable.lease import Lease
from orbiter.adapters.durable.ledger import Ledger
from orbiter.application.ports.execution import (
    Done,
    Effect,
    EffectError,
    EffectFailed,
    Parked,
)
from orbiter.application.ports.executions import Recorded
from orbiter.application.ports.storage import UnitOfWork
from orbiter.application.ports.system import Clock
from orbiter.domain.workflows import Retry

# What is shorter is slept through: parking costs two transactions.
LONG_SECONDS: Final = 5.0
_NO_SPACE: Final = ""


@dataclass(frozen=True, slots=True)
class Recording:
    """Records outcomes of any runs that one executor has."""

    executor_id: str

    async def __call__(
        self, uow: UnitOfWork, outcomes: Sequence[tuple[str, Recorded]]
    ) -> Sequence[Recorded | None]:
        """Return what is kept; nothing where the run was taken away."""
        return await uow.executions.record_all(self.executor_id, outcomes)


@dataclass(frozen=True, slots=True, kw_only=True)
class DurableStepRunner:
    """The effects of one run in one segment; *records* has those of the segments before.

    When the run was taken away from this process, it raises CancelledError.
    """

    run_id: str
    ledger: Ledger
    lease: Lease
    clock: Clock
    records: dict[str, Recorded] = field(default_factory=dict)

    async def run(
        self, key: str, effect: Effect, *, retry: Retry, timeout_seconds: float | None
    ) -> Done:
        """Run *effect* until it works or its attempts are used up, then raise EffectFailed."""
        recorded = self.records.get(key)
        if recorded is None:
            attempted = await self._attempted(key, effect, retry, timeout_seconds)
            recorded = await self._record(attempted)
        return _told(recorded)

    async def sleep(self, key: str, seconds: float) -> None:
        """Return *seconds* after the first call under *key*, or raise Parked if that is long."""
        if seconds <= 0:
            return
        end = (self.clock.now() + timedelta(seconds=seconds)).isoformat()
        until = datetime.fromisoformat(await self.decide(key, end))
        left = (until - self.clock.now()).total_seconds()
        if left > LONG_SECONDS:
            raise Parked(until)
        if left > 0:
            await self.clock.sleep(left)

    async def answer(self, key: str, *, until: datetime | None = None) -> Any:
        """Return what was recorded under *key* from outside, or raise Parked."""
        recorded = self.records.get(key)
        if recorded is None:
            raise Parked(until)
        return recorded.value

    async def decide(self, key: str, value: Any) -> Any:
        """Return what was recorded under *key*, or record *value* there and return it."""
        recorded = self.records.get(key)
        if recorded is None:
            recorded = await self._record(Recorded(key=key, value=value))
        return recorded.value

    async def _attempted(
        self, key: str, effect: Effect, retry: Retry, timeout_seconds: float | None
    ) -> Recorded:
        failures: list[EffectError] = []
        while True:
            if not self.lease.alive:
                raise asyncio.CancelledError
            try:
                value = await _within(timeout_seconds, effect)
                return Recorded(key=key, value=value, failures=_plain(failures))
            except EffectError as failure:
                failures.append(failure)
            if len(failures) >= retry.max_attempts:
                return Recorded(key=key, failures=_plain(failures), failed=True)
            await self.clock.sleep(retry.pause_before(len(failures) + 1))

    async def _record(self, recorded: Recorded) -> Recorded:
        recording = Recording(self.lease.executor_id)
        kept = await self.ledger.write_together(_NO_SPACE, recording, (self.run_id, recorded))
        if kept is None:
            raise asyncio.CancelledError
        self.records[recorded.key] = kept
        return kept


async def _within(seconds: float | None, effect: Effect) -> Any:
    try:
        async with asyncio.timeout(seconds) as bound:
            return await effect()
    except TimeoutError:
        if not bound.expired():
            raise
        raise EffectError("TIMEOUT", f"The node took more than {seconds:g} s") from None


def _told(recorded: Recorded) -> Done:
    failures = [EffectError(code, message) for code, message in recorded.failures]
    if recorded.failed:
        raise EffectFailed(failures)
    return Done(value=recorded.value, failures=tuple(failures))


def _plain(failures: Sequence[EffectError]) -> tuple[tuple[str, str], ...]:
    return tuple((each.code, each.message) for each in failures)
