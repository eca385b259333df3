"""Effects, run where the server runs: tried again as their policy says, remembered nowhere."""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from orbiter.application.ports.execution import Done, Effect, EffectError, EffectFailed, Parked
from orbiter.application.ports.system import Clock
from orbiter.domain.workflows import Retry


@dataclass(frozen=True, slots=True)
class MemoryStepRunner:
    """Runs effects in the caller's task; a cancelled one stops at once."""

    clock: Clock

    async def run(
        self, key: str, effect: Effect, *, retry: Retry, timeout_seconds: float | None
    ) -> Done:
        """Run *effect* until it works or its attempts are used up, then raise EffectFailed."""
        failures: list[EffectError] = []
        while True:
            try:
                async with asyncio.timeout(timeout_seconds):
                    return Done(value=await effect(), failures=tuple(failures))
            except EffectError as failure:
                failures.append(failure)
            except TimeoutError:
                message = f"The node took more than {timeout_seconds:g} s"
                failures.append(EffectError("TIMEOUT", message))
            if len(failures) == retry.max_attempts:
                raise EffectFailed(failures)
            await self.clock.sleep(retry.pause_before(len(failures) + 1))

    async def sleep(self, key: str, seconds: float) -> None:
        """Return after *seconds*."""
        if seconds > 0:
            await self.clock.sleep(seconds)

    async def answer(self, key: str, *, until: datetime | None = None) -> Any:
        """Raise Parked: nothing is recorded."""
        raise Parked(until)

    async def decide(self, key: str, value: Any) -> Any:
        """Return *value*."""
        return value
