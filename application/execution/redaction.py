"""Records without secrets: what a service echoes is not kept."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from orbiter.application.ports.execution import Done, Effect, EffectError, StepRunner
from orbiter.domain.secrets import SecretValues
from orbiter.domain.workflows import Retry


@dataclass(frozen=True, slots=True)
class Redacting:
    """A runner of which nothing is recorded with one of *secrets* in it."""

    runner: StepRunner
    secrets: SecretValues

    async def run(
        self, key: str, effect: Effect, *, retry: Retry, timeout_seconds: float | None
    ) -> Done:
        """Run *effect* as the runner does."""

        async def redacted() -> Any:
            try:
                return self.secrets.redacted(await effect())
            except EffectError as error:
                message = self.secrets.redacted(error.message)
                raise EffectError(error.code, message) from None

        return await self.runner.run(key, redacted, retry=retry, timeout_seconds=timeout_seconds)

    async def sleep(self, key: str, seconds: float) -> None:
        """Sleep as the runner does."""
        await self.runner.sleep(key, seconds)

    async def answer(self, key: str, *, until: datetime | None = None) -> Any:
        """Answer as the runner does."""
        return await self.runner.answer(key, until=until)

    async def decide(self, key: str, value: Any) -> Any:
        """Decide as the runner does."""
        return await self.runner.decide(key, self.secrets.redacted(value))
