"""The log of what happened to runs, and the word that there is more in it."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from orbiter.domain.run_events import RunEvent

# Takes the ids of a run and a step, and what a model is just saying there.
Tell = Callable[[str, str, str], None]


class RunEventLog(Protocol):
    """Events of the workspace's runs, only ever added; they go with their run."""

    async def append(
        self, events: Mapping[str, Sequence[RunEvent]]
    ) -> Mapping[str, Sequence[RunEvent]]:
        """Add events of runs, each counted on from its last; return what was added, by run.

        What was told already and is told once is left out, as is what comes after a run's end.
        Events of no run here are dropped. The next who appends to one waits for the commit.
        """
        ...

    async def announce(self, run_id: str, sequence: int, *, ended: bool) -> None:
        """Tell other processes at the commit what `RunFeed.publish` tells this one."""

    async def page(self, run_id: str, *, after: int, limit: int) -> Sequence[RunEvent]:
        """Return up to *limit* events beyond the sequence *after*, in order."""
        ...


class Subscription(Protocol):
    """One reader's ear for one run; it remembers what was published, not how often."""

    @property
    def closed(self) -> bool:
        """Say whether the feed was closed: the waits return, and there is nothing more to hear."""
        ...

    async def beyond(self, sequence: int) -> None:
        """Return once an event beyond *sequence*, or the run's end, was published since the last.

        What it returned for counts as heard.
        """

    async def end(self) -> None:
        """Return once the run's end has been published."""

    async def speech(self) -> None:
        """Return once there is something that `said` returns; never without speech."""

    def said(self) -> Sequence[tuple[str, str]]:
        """Return what models have said since the last time, as step and text, in its order.

        Of what is not fetched for long the oldest is lost.
        """
        ...


class RunFeed(Protocol):
    """Tells readers in this process that there is more to read, and what models are just saying;
    a word may get lost.
    """

    def publish(self, run_id: str, sequence: int, *, ended: bool) -> None:
        """Tell that events up to *sequence* are committed, the run's end perhaps among them."""

    def tell(self, run_id: str, step_id: str, text: str) -> None:
        """Tell what a model is just saying in this process, here and wherever that is carried."""

    def hear(self, run_id: str, step_id: str, text: str) -> None:
        """Tell what a model is just saying in another process."""

    def is_heard(self, run_id: str) -> bool:
        """Say whether somebody in this process listens to what is said in a run."""
        ...

    def attend(self, begin: Callable[[str], None]) -> None:
        """Call *begin* with each run from now on that somebody here begins to listen to so."""

    def carried(self, tell: Tell) -> AbstractContextManager[None]:
        """Let *tell*, which must not fail, tell other processes what is told here till the end."""
        ...

    def subscribe(
        self, run_id: str, *, speech: bool = False
    ) -> AbstractContextManager[Subscription]:
        """Listen for a run; what is published from now on is not missed.

        What models say is heard with *speech* alone.
        """
        ...

    def close(self) -> None:
        """Let every reader go, present and future, as the process is about to end."""
