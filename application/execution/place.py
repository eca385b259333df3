"""Where in the nest of loops a body is walked: what keys and step ids are made of."""

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Final
from urllib.parse import quote

_VARIANTS: Final = "89ab"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One body in one iteration; the same in every execution of the same run.

    *path* names the loops around it, *iterations* their turns, *attempts* which attempt of each
    loop this is; *iteration* is the innermost loop's turn and *step_id* its step. Steps from before
    the sequence *since* were written by earlier attempts.
    """

    run_id: str
    path: tuple[str, ...] = ()
    iterations: tuple[int, ...] = ()
    attempts: tuple[int, ...] = ()
    step_id: str | None = None
    since: int = 0

    @property
    def iteration(self) -> int | None:
        """Return the turn of the innermost loop, None outside of loops."""
        return self.iterations[-1] if self.iterations else None

    def key(self, node_id: str, *attempt: int) -> str:
        """Return the key of a node's effect: `<run>:<node path>:<iteration>:<attempt group>`.

        The group names the attempt of each loop around, and the node's own *attempt* if given.
        It is plain ASCII without spaces, fit for a header.
        """
        attempts = ".".join(map(str, (*self.attempts, *attempt) or (1,)))
        return f"{self.run_id}:{self._path(node_id)}:{self._turns()}:{attempts}"

    def step_of(self, node_id: str) -> str:
        """Return the id of a node's step: a UUID with the run's time, and a digest for chance."""
        return self.child_of(f"{self.run_id}:{self._path(node_id)}:{self._turns()}")

    def child_of(self, key: str) -> str:
        """Return the id of what belongs to a key: a UUID with the run's time, else of the key."""
        return _id(self.run_id[:13], key)

    def inside(self, loop_id: str, iteration: int, attempt: int, since: int = 0) -> "Place":
        """Return the place of a loop's body in one of its turns."""
        return Place(
            run_id=self.run_id,
            path=(*self.path, loop_id),
            iterations=(*self.iterations, iteration),
            attempts=(*self.attempts, attempt),
            step_id=self.step_of(loop_id),
            since=max(self.since, since),
        )

    def _path(self, node_id: str) -> str:
        return "/".join(quote(name, safe="") for name in (*self.path, node_id))

    def _turns(self) -> str:
        return ".".join(map(str, self.iterations)) or "0"


def dated_id(at: datetime, key: str) -> str:
    """Return the id of what belongs to a key and began at a time: a UUID of both."""
    time = f"{int(at.timestamp() * 1000):012x}"
    return _id(f"{time[:8]}-{time[8:]}", key)


def _id(time: str, key: str) -> str:
    digest = sha256(key.encode()).hexdigest()
    variant = _VARIANTS[int(digest[3], 16) % 4]
    return f"{time}-7{digest[:3]}-{variant}{digest[4:7]}-{digest[7:19]}"
