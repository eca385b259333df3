"""Pools: several providers of which one is called, and the next where that one fails."""

import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar

from orbiter.application.ports.models import ModelError
from orbiter.application.ports.system import Clock
from orbiter.domain.providers import Provider

BACKOFF_SECONDS: Final = 0.5
BACKOFF_MAX_SECONDS: Final = 8.0
WAIT_MAX_SECONDS: Final = 30.0
REST_SECONDS: Final = 30.0
REST_MAX_SECONDS: Final = 600.0
REFUSED_REST_SECONDS: Final = 300.0

_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)

Got = TypeVar("Got")
Failures = Sequence[str]


@dataclass(slots=True)
class Tries:
    """What one call has tried with a provider, which may be tried again from *ready_at*."""

    provider: Provider
    failed: int = 0
    ready_at: datetime = _LONG_AGO


class Pools:
    """Call providers until one answers.

    A provider whose failure another may make up for rests for a while, and is passed over by every
    call meanwhile, unless all of a pool rest: then the one is called that may be soonest. It is
    tried again up to its `max_retries` times where the failure is a passing one: after what the
    vendor asked for, up to 30 seconds, or else with an exponential backoff. *chance* gives a number
    from 0 up to 1, of which half of each backoff depends.
    """

    def __init__(self, clock: Clock, chance: Callable[[], float] = random.random) -> None:
        self._clock = clock
        self._chance = chance
        self._resting: dict[tuple[str, datetime], datetime] = {}

    async def call(
        self, pool: Sequence[Provider], ask: Callable[[Provider, Failures], Awaitable[Got]]
    ) -> tuple[Got, Provider]:
        """Return what *ask* gets and of whom; it is told who has failed before it, and why.

        The first of a *pool* is preferred. Raise the last ModelError when nobody is left to try,
        and at once one that is neither passing nor to be made up for elsewhere.
        """
        failures: list[str] = []
        left = [Tries(provider) for provider in pool]
        while True:
            tries = self._choose(left)
            await self._wait_until(tries.ready_at)
            try:
                got = await ask(tries.provider, failures)
            except ModelError as error:
                failures.append(f"{tries.provider.name}: {error.message}")
                again = self._fail(tries, error)
                if not again:
                    left.remove(tries)
                if not left or not (again or error.elsewhere):
                    raise
            else:
                self._resting.pop(_resting_as(tries.provider), None)
                return got, tries.provider

    def _choose(self, left: Sequence[Tries]) -> Tries:
        now = self._clock.now()
        awake = (tries for tries in left if self._wakes_at(tries.provider) <= now)
        return next(awake, None) or min(
            left, key=lambda tries: (tries.ready_at, self._wakes_at(tries.provider))
        )

    async def _wait_until(self, moment: datetime) -> None:
        seconds = (moment - self._clock.now()).total_seconds()
        if seconds > 0:
            await self._clock.sleep(seconds)

    def _fail(self, tries: Tries, error: ModelError) -> bool:
        """Note a failure; say whether the same provider may be tried again."""
        tries.failed += 1
        wait = error.retry_after or self._backoff(tries.failed)
        tries.ready_at = self._clock.now() + timedelta(seconds=min(wait, WAIT_MAX_SECONDS))
        if error.elsewhere:
            self._rest(tries.provider, error)
        left = tries.failed <= tries.provider.max_retries
        return error.passing and left and wait <= WAIT_MAX_SECONDS

    def _backoff(self, failed: int) -> float:
        whole = min(BACKOFF_SECONDS * 2.0 ** (failed - 1), BACKOFF_MAX_SECONDS)
        return whole / 2 * (1 + self._chance())

    def _rest(self, provider: Provider, error: ModelError) -> None:
        now = self._clock.now()
        self._resting = {who: until for who, until in self._resting.items() if until > now}
        until = now + timedelta(seconds=_rest_of(error))
        self._resting[_resting_as(provider)] = until

    def _wakes_at(self, provider: Provider) -> datetime:
        return self._resting.get(_resting_as(provider), _LONG_AGO)


def _resting_as(provider: Provider) -> tuple[str, datetime]:
    # One that was revised, perhaps with a better key, is awake.
    return provider.id, provider.updated_at


def _rest_of(error: ModelError) -> float:
    if error.code == "MODEL_KEY_REFUSED":
        return REFUSED_REST_SECONDS
    return min(error.retry_after or REST_SECONDS, REST_MAX_SECONDS)
