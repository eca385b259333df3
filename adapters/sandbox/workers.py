"""Monty's worker processes: begun at first use, watched over, and ended for certain."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Final

from orbiter.adapters.sandbox.printed import Printed
from orbiter.application.ports.sandbox import SandboxError

if TYPE_CHECKING:
    from pydantic_monty import Monty, MontySession, ResourceLimits

# What counts seconds inside of a worker is looked at between two steps of the code; one step may
# take longer, so the worker is killed that much later.
GRACE: Final = 0.4
RECURSION_MAX: Final = 1000
CALLS_PER_WORKER: Final = 1000
_WAIT: Final = 5.0
# Below the server, whose event loop is to have the processor first.
_NICENESS: Final = 10


@dataclass
class Workers:
    """At most *count* processes, each for one call at a time; used from threads."""

    count: int
    seconds: float
    memory_mib: int
    _pool: "Monty | None" = None
    _busy: set[int] = field(default_factory=set)
    _closed: bool = False
    _lock: Lock = field(default_factory=Lock)

    @contextmanager
    def session(self) -> "Iterator[tuple[MontySession, Printed]]":
        """Give a fresh interpreter, and what takes its output: a flood kills it."""
        with self._running().checkout(limits=self._limits, os_policy={"sleep": "zero"}) as session:
            pid = session.worker_pid
            self._take(pid)
            try:
                yield session, Printed(lambda: _kill(pid))
            finally:
                self._busy.discard(pid or 0)

    @property
    def closed(self) -> bool:
        """Say whether there are sessions no more."""
        return self._closed

    def close(self) -> None:
        """Kill what runs and end the rest; there are no sessions after it."""
        with self._lock:
            self._closed = True
            for pid in list(self._busy):
                _kill(pid)
            if self._pool is not None:
                self._pool.__exit__(None, None, None)
                self._pool = None

    @property
    def _limits(self) -> "ResourceLimits":
        return {
            "max_feed_duration_secs": self.seconds,
            "max_turn_duration_secs": self.seconds,
            "max_memory": self.memory_mib * 1024 * 1024,
            "max_recursion_depth": RECURSION_MAX,
        }

    def _running(self) -> "Monty":
        from pydantic_monty import Monty

        with self._lock:
            self._require_open()
            if self._pool is None:
                pool = Monty(
                    max_processes=self.count,
                    checkout_timeout=_WAIT,
                    request_timeout=self.seconds + GRACE,
                    max_checkouts_per_worker=CALLS_PER_WORKER,
                    feed_duration_limit_grace=GRACE,
                    turn_duration_limit_grace=GRACE,
                )
                self._pool = pool.__enter__()
            return self._pool

    def _take(self, pid: int | None) -> None:
        if pid is None:
            return
        with suppress(OSError, AttributeError):
            os.setpriority(os.PRIO_PROCESS, pid, _NICENESS)
        with self._lock:
            if self._closed:
                # It came up while everything was being ended.
                _kill(pid)
            self._require_open()
            self._busy.add(pid)

    def _require_open(self) -> None:
        if self._closed:
            raise SandboxError("SANDBOX_UNAVAILABLE", "The sandbox was closed")


def _kill(pid: int | None) -> None:
    if pid is not None:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
