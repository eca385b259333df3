"""How runs are executed: what an engine promises, and what the interpreter meets the world by."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from orbiter.application.ports.storage import UnitOfWork
from orbiter.domain.runs import Run, Step
from orbiter.domain.workflows import Retry, WorkflowVersion

Effect = Callable[[], Awaitable[Any]]


class EffectError(Exception):
    """What an effect raises when it failed; anything else is a bug and ends the run."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class EffectFailed(Exception):
    """An effect failed for good; *failures* has each attempt's error, the last one included."""

    def __init__(self, failures: Sequence[EffectError]) -> None:
        super().__init__(str(failures[-1]))
        self.failures = tuple(failures)


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """An effect's value and the errors of the attempts before the one that worked."""

    value: Any
    failures: tuple[EffectError, ...] = ()


class Parked(Exception):
    """A node waits for what may take long; its run leaves the process until *until*, or a word."""

    def __init__(self, until: datetime | None = None) -> None:
        super().__init__("The node waits")
        self.until = until

    @staticmethod
    def together(several: Iterable["Parked"]) -> "Parked":
        """Return what tells that all of *several* wait: till the earliest time among them."""
        return Parked(min((each.until for each in several if each.until), default=None))


class StepRunner(Protocol):
    """Run the effects of one run; none whose outcome was recorded under its key runs again.

    Keys are the run's own (`Place.key`), the same in every execution of the run. Values are JSON.
    """

    async def run(
        self, key: str, effect: Effect, *, retry: Retry, timeout_seconds: float | None
    ) -> Done:
        """Run *effect* until it works or its attempts are used up, then raise EffectFailed.

        *timeout_seconds* bounds each attempt, which then fails with EffectError of code TIMEOUT.
        The outcome, good or bad, is recorded before it is told. EffectError and time-outs alone
        are tried again.
        """
        ...

    async def sleep(self, key: str, seconds: float) -> None:
        """Return *seconds* after the first call under *key*, or raise Parked if that is long."""

    async def answer(self, key: str, *, until: datetime | None = None) -> Any:
        """Return what was recorded under *key* from outside, or raise Parked."""
        ...

    async def decide(self, key: str, value: Any) -> Any:
        """Return what was recorded under *key*, or record *value* there and return it.

        For choices that depend on time or on what came first, so that they are made once.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What earlier segments of a run left: its *steps* by id, and the *seconds* it has run."""

    steps: Mapping[str, Step] = field(default_factory=dict)
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A run as one execution left it: ended, or waiting till *wake_at* or a word from outside."""

    run: Run
    wake_at: datetime | None = None


class RunEngine(Protocol):
    """Execute accepted runs to their end, whatever happens to the processes that do it."""

    async def accept(
        self,
        uow: UnitOfWork,
        run: Run,
        *,
        graph: WorkflowVersion | None = None,
        has_past: bool = False,
    ) -> None:
        """Store the queued run in the caller's transaction; it is executed once that commits.

        Its *graph* is looked up unless the caller has it at hand. One that *has_past* begins with
        steps and records the caller stores in that transaction.
        """

    async def cancel(self, uow: UnitOfWork, run: Run) -> None:
        """Stop executing a run that the caller's transaction marks as cancelled, at its commit.

        Wherever it is executed, within a second; its unended child runs are cancelled too.
        """

    async def answer(self, uow: UnitOfWork, run: Run, key: str, value: Any) -> bool:
        """Record *value* under *key* and let the run go on at the commit.

        Say False, and change nothing, when something is recorded there already.
        """
        ...

    async def start(self) -> None:
        """Begin executing; take up what earlier and dead processes left."""

    async def stop(self, seconds: float) -> None:
        """Give what is under way *seconds* to end, then leave it to whoever starts next."""


class ChildRuns(Protocol):
    """Runs that nodes of a *parent* start; their ends wake it."""

    async def start(
        self,
        parent: Run,
        child_id: str,
        workflow_id: str,
        *,
        inputs: Any,
        version: int | None = None,
    ) -> None:
        """Accept the child, unless it was; raise EffectError for what can't be run."""

    async def ended(self, parent: Run, child_id: str) -> Run | None:
        """Return the child if it has ended; raise EffectError when it is gone."""
        ...

    async def cancel(self, parent: Run, child_id: str) -> None:
        """End the child unless it has ended."""

    async def cancel_all(self, parent: Run) -> None:
        """End every child of a run that has not ended."""


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
    """What happens to runs, told to whoever waits for it, in whichever process."""

    def ended(self, run_id: str) -> None:
        """Tell that nothing of the run is under way in this process any more."""

    def watch(self, run: Run) -> AbstractContextManager[Ending]:
        """Begin to watch for a run's stored end; what is told from now on is not missed."""
        ...

    def stopping(self, run_id: str) -> AbstractContextManager[Ending]:
        """Begin to watch for this process having nothing of the run under way any more."""
        ...
