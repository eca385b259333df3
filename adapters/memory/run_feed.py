"""Who in this process waits for which run.

Litestar's Channels were weighed for this and not taken: they queue every message for every reader
and open a subscription of PostgreSQL's for each run, where all a reader needs is to be woken, as
what it reads comes from the log. A set of events for each run is less code than setting them up.
"""

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from orbiter.application.ports.run_events import Subscription, Tell

# What is kept of what models say for a reader who does not fetch it.
PIECES_MAX: Final = 1000
CHARACTERS_MAX: Final = 256 * 1024


class MemorySubscription:
    """One reader's ear for one run."""

    def __init__(self, *, closed: bool, speech: bool) -> None:
        self.closed = closed
        self.hears_speech = speech
        self._latest = 0
        self._ended = False
        self._news = asyncio.Event()
        self._said: deque[tuple[str, str]] = deque()
        self._characters = 0

    async def beyond(self, sequence: int) -> None:
        """Return once an event beyond *sequence*, or the run's end, has been published."""
        while not (self._latest > sequence or self._ended or self.closed):
            self._news.clear()
            await self._news.wait()
        # Heard once: what nobody finds in the log does not make a reader look again and again.
        self._latest, self._ended = 0, False

    async def end(self) -> None:
        """Return once the run's end has been published."""
        while not (self._ended or self.closed):
            self._news.clear()
            await self._news.wait()

    def hear(self, sequence: int, *, ended: bool) -> None:
        """Take what was published."""
        self._latest = max(self._latest, sequence)
        self._ended |= ended
        self._news.set()

    async def speech(self) -> None:
        """Return once there is something that `said` returns; never without speech."""
        while not (self._said or self.closed):
            self._news.clear()
            await self._news.wait()

    def said(self) -> Sequence[tuple[str, str]]:
        """Return what was said since the last time; pieces of one step that meet are one."""
        parts = list[tuple[str, list[str]]]()
        while self._said:
            step_id, text = self._said.popleft()
            if not parts or parts[-1][0] != step_id:
                parts.append((step_id, []))
            parts[-1][1].append(text)
        self._characters = 0
        return [(step_id, "".join(texts)) for step_id, texts in parts]

    def listen(self, step_id: str, text: str) -> None:
        """Take what a model is saying; of what nobody fetches the oldest is lost."""
        self._said.append((step_id, text))
        self._characters += len(text)
        while len(self._said) > PIECES_MAX or self._characters > CHARACTERS_MAX:
            self._characters -= len(self._said.popleft()[1])
        self._news.set()

    def close(self) -> None:
        """Let the reader go."""
        self.closed = True
        self._news.set()


class MemoryRunFeed:
    """The subscriptions of one process."""

    def __init__(self) -> None:
        self._subscriptions: dict[str, set[MemorySubscription]] = defaultdict(set)
        self._carriers: list[Tell] = []
        self._attendants: list[Callable[[str], None]] = []
        self._closed = False

    def publish(self, run_id: str, sequence: int, *, ended: bool) -> None:
        """Tell that events up to *sequence* are committed, the run's end perhaps among them."""
        for each in self._subscriptions.get(run_id, ()):
            each.hear(sequence, ended=ended)

    def tell(self, run_id: str, step_id: str, text: str) -> None:
        """Tell what a model is just saying to those who listen now, and to the carriers."""
        self.hear(run_id, step_id, text)
        for carrier in self._carriers:
            carrier(run_id, step_id, text)

    def hear(self, run_id: str, step_id: str, text: str) -> None:
        """Tell what a model is just saying to those who listen now."""
        for each in self._subscriptions.get(run_id, ()):
            if each.hears_speech:
                each.listen(step_id, text)

    def is_heard(self, run_id: str) -> bool:
        """Say whether somebody listens to what is said in a run."""
        return any(each.hears_speech for each in self._subscriptions.get(run_id, ()))

    def attend(self, begin: Callable[[str], None]) -> None:
        """Call *begin* with each run that somebody begins to listen to."""
        self._attendants.append(begin)

    @contextmanager
    def carried(self, tell: Tell) -> Iterator[None]:
        """Let *tell* tell other processes what is told here till the block ends."""
        self._carriers.append(tell)
        try:
            yield
        finally:
            self._carriers.remove(tell)

    @contextmanager
    def subscribe(self, run_id: str, *, speech: bool = False) -> Iterator[Subscription]:
        """Listen for a run, with *speech* to what models say, too."""
        subscription = MemorySubscription(closed=self._closed, speech=speech)
        self._subscriptions[run_id].add(subscription)
        for begin in self._attendants if speech else ():
            begin(run_id)
        try:
            yield subscription
        finally:
            self._subscriptions[run_id].discard(subscription)
            if not self._subscriptions[run_id]:
                del self._subscriptions[run_id]

    def close(self) -> None:
        """Let every reader go, present and future."""
        self._closed = True
        for subscriptions in self._subscriptions.values():
            for each in subscriptions:
                each.close()
