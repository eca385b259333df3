"""What users' code prints, up to a bound."""

from collections.abc import Callable
from typing import Final

STDOUT_MAX: Final = 64 * 1024
FLOOD: Final = 1024 * 1024
_CUT: Final = f"\n… cut after {STDOUT_MAX // 1024} KiB"


class Printed:
    """Keeps the first 64 Ki characters; calls *stop* once there are more than 1 Mi."""

    def __init__(self, stop: Callable[[], None]) -> None:
        self._stop = stop
        self._parts: list[str] = []
        self._size = 0

    def __call__(self, stream: str, text: str) -> None:
        room = STDOUT_MAX - self._size
        if room > 0:
            self._parts.append(text[:room])
        self._size += len(text)
        if self.is_a_flood:
            self._stop()

    @property
    def is_a_flood(self) -> bool:
        """Say whether it was too much."""
        return self._size > FLOOD

    @property
    def text(self) -> str:
        """Return what is kept, with a note if that is not all."""
        return "".join(self._parts) + (_CUT if self._size > STDOUT_MAX else "")
