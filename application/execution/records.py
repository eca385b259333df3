"""What is recorded under one key: effects that run once, and choices that are made once."""

from dataclasses import dataclass
from functools import partial
from typing import Any

from orbiter.application.execution.outcome import NodeFailed
from orbiter.application.ports.execution import (
    Effect,
    EffectError,
    EffectFailed,
    Parked,
    StepRunner,
)
from orbiter.application.ports.models import ModelError
from orbiter.application.ports.outbound import OutboundError
from orbiter.application.ports.sandbox import SandboxError
from orbiter.domain.errors import Unavailable
from orbiter.domain.workflows import Retry

_TOLD = (NodeFailed, OutboundError, ModelError, SandboxError)


@dataclass(frozen=True, slots=True)
class Records:
    """Records of a run whose keys begin with *key*."""

    runner: StepRunner
    key: str

    def of(self, name: str) -> "Records":
        """Return those of a part."""
        return Records(self.runner, f"{self.key}:{name}")

    async def perform(self, effect: Effect) -> Any:
        """Return what *effect* gives, which is tried once; raise NodeFailed."""
        try:
            done = await self.runner.run(
                self.key, in_words_of_engines(effect), retry=Retry(), timeout_seconds=None
            )
        except EffectFailed as failed:
            raise failure_of(failed.failures[-1]) from failed
        return done.value

    async def decide(self, name: str, value: Any) -> Any:
        """Return *value*, or what was decided under that name in an earlier execution."""
        return await self.runner.decide(f"{self.key}:{name}", value)

    async def decided(self, name: str) -> Any:
        """Return what was decided under that name in an earlier execution, None if nothing was."""
        try:
            return await self.runner.answer(f"{self.key}:{name}")
        except Parked:
            return None


def in_words_of_engines(effect: Effect) -> Effect:
    """Return *effect* with its failures told as engines record them."""
    return partial(_told, effect)


def failure_of(error: EffectError) -> NodeFailed:
    """Return a recorded failure as a node's."""
    return NodeFailed(error.code, error.message)


async def _told(effect: Effect) -> Any:
    try:
        return await effect()
    except _TOLD as error:
        raise EffectError(error.code, error.message) from error
    except Unavailable as error:
        raise EffectError("SERVICE_UNAVAILABLE", error.message) from error
