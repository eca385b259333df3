"""Keys of records, taken apart (`Place.key` puts them together)."""

from dataclasses import dataclass, replace

from orbiter.application.execution.place import Place


@dataclass(frozen=True, slots=True, order=True)
class Attempts:
    """Which attempt of each of the *loops* around a node, outermost first, and its *own*."""

    loops: tuple[int, ...]
    own: int

    def __str__(self) -> str:
        own = (self.own,) if self.own > 1 or not self.loops else ()
        return ".".join(map(str, (*self.loops, *own)))


@dataclass(frozen=True, slots=True)
class Key:
    """`<run>:<node path>:<iteration>:<attempts>`, and a *name* that tells parts of it apart."""

    run_id: str
    path: str
    turns: str
    attempts: Attempts
    name: str = ""

    @classmethod
    def read(cls, text: str) -> "Key":
        """Return a key as it was written."""
        run_id, path, turns, rest = text.split(":", 3)
        attempts, _, name = rest.partition(":")
        depth = path.count("/")
        numbers = tuple(map(int, attempts.split(".")))
        own = numbers[depth] if len(numbers) > depth else 1
        return cls(run_id, path, turns, Attempts(numbers[:depth], own), name)

    def __str__(self) -> str:
        text = f"{self.run_id}:{self.path}:{self.turns}:{self.attempts}"
        return f"{text}:{self.name}" if self.name else text

    @property
    def step_id(self) -> str:
        """Return the id of the node's step."""
        return self._id(f"{self.run_id}:{self.path}:{self.turns}")

    @property
    def call_id(self) -> str:
        """Return the id of the step of the call that is made under this key."""
        return self._id(str(self))

    @property
    def scope(self) -> "Key":
        """Return the key of the attempt that this belongs to."""
        return replace(self, name="")

    def of(self, name: str) -> "Key":
        """Return the key of a part."""
        return replace(self, name=f"{self.name}:{name}" if self.name else name)

    def _id(self, text: str) -> str:
        return Place(run_id=self.run_id).child_of(text)
