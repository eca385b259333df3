"""What is recorded under one key: effects that run once, and choices that are made once."""

from dataclasses import dataclass
from functools import partial
from typing import Any

from orbiter.application.execution.outcome import NodeFailed, message_without
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
from orbiter.domain.secrets import SecretValues
from orbiter.domain.workflows import Retry

_TOLD = (NodeFailed, OutboundError, ModelError, SandboxError)


@dataclass(frozen=True, slots=True)
class Records:
    """Records of a run whose keys begin with *key*; no effect's has one of *secrets* in it."""

    runner: StepRunner
    key: str
    secrets: SecretValues

    def of(self, name: str) -> "Records":
        """Return those of a part."""
        return Records(self.runner, f"{self.key}:{name}", self.secrets)

    async def perform(self, effect: Effect, *, own: bool = False) -> Any:
        """Return what *effect* gives, which is tried once; raise NodeFailed.

        *own* says that it gives an object of Orbiter's own, in which it has hidden secrets itself.
        """
        told = in_words_of_engines(effect, self.secrets, own=own)
        try:
            done = await self.runner.run(self.key, told, retry=Retry(), timeout_seconds=None)
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


def in_words_of_engines(effect: Effect, secrets: SecretValues, *, own: bool = False) -> Effect:
    """Return *effect* with what it gives, or how it fails, as engines record it.

    That has none of *secrets* in it, so that nodes see the same at once and after a crash.
    """
    return partial(_told, effect, secrets, own)


def failure_of(error: EffectError) -> NodeFailed:
    """Return a recorded failure as a node's."""
    return NodeFailed(error.code, error.message)


async def _told(effect: Effect, secrets: SecretValues, own: bool) -> Any:
    try:
        given = await effect()
    except (*_TOLD, EffectError) as error:
        raise EffectError(error.code, message_without(secrets, error.message)) from error
    except Unavailable as error:
        raise EffectError("SERVICE_UNAVAILABLE", error.message) from error
    return given if own else secrets.redacted(given)
