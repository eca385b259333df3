"""How runs are executed: what an engine promises, and what the interpreter meets the world by."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from orbiter.application.ports.storage import UnitOfWork
from orbiter.domain.runs import Run, Step
from orbiter.domain.workflows import Retry

Effect = Callable[[], Awaitable[Any]]


class RunEngine(Protocol):
    """Execute accepted runs to their end."""

    async def accept(self, uow: UnitOfWork, run: Run) -> None:
        """Store the queued run in the caller's transaction; it is executed once that commits."""

    async def cancel(self, uow: UnitOfWork, run: Run) -> None:
        """Stop executing a run that the caller's transaction marks as cancelled, at its commit."""

    async def start(self) -> None:
        """Begin executing; take up what an earlier process left."""

    async def stop(self, seconds: float) -> None:
        """Accept no more work, give what is under way *seconds* to end."""


class EffectFailed(Exception):
    """An effect failed for good; *failures* has each attempt's error, the last one included."""

    def __init__(self, failures: Sequence[BaseException]) -> None:
        super().__init__(str(failures[-1]))
        self.failures = tuple(failures)


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """An effect's value and the errors of the attempts before the one that worked."""

    value: Any
    failures: tuple[BaseException, ...] = ()


class StepRunner(Protocol):
    """Run effects; an engine that is durable runs none twice under one key."""

    async def run(
        self, key: str, effect: Effect, *, retry: Retry, timeout_seconds: float | None
    ) -> Done:
        """Run *effect* until it works or its attempts are used up, then raise EffectFailed.

        *timeout_seconds* bounds each attempt, which then fails with TimeoutError.
        """
        ...

    async def sleep(self, key: str, seconds: float) -> None:
        """Return after *seconds*."""


class TraceSink(Protocol):
    """Where steps go as they begin and end; a later one of the same id replaces the earlier."""

    def write(self, step: Step) -> None:
        """Take a step; it may be stored a little later."""

    async def flush(self) -> None:
        """Return when everything taken is stored."""


class Ending(Protocol):
    """The end of one run, awaited."""

    async def wait(self, seconds: float) -> bool:
        """Wait for the end at most *seconds*; say whether it has come."""
        ...


class RunEvents(Protocol):
    """What happens to runs, told to whoever waits for it."""

    def ended(self, run_id: str) -> None:
        """Tell that the run's end is stored."""

    def watch(self, run_id: str) -> AbstractContextManager[Ending]:
        """Begin to watch for a run's end; what is told from now on is not missed."""
        ...
