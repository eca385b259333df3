"""Work that MiniJinja's own fuel does not count: reading the context, handing values on."""

from collections.abc import Mapping
from typing import Any, Final

from orbiter.application.ports.templating import TemplateError

READS: Final = 300_000
LEAVES: Final = 200_000


class Meter:
    """What one evaluation has read so far; counted, not timed, so that it ends the same always."""

    __slots__ = ("_left",)

    def __init__(self) -> None:
        self._left = READS

    def count(self, reads: int = 1) -> None:
        """Take note of work done; raise TemplateError when it is too much."""
        self._left -= reads
        if self._left < 0:
            raise TemplateError("The template does too much work")


def require_bounded(value: Any) -> None:
    """Raise TemplateError if *value* has too many parts; shared ones count each time."""
    parts, level = 0, [value]
    while level:
        parts += len(level)
        if parts > LEAVES:
            raise TemplateError("The template makes too large a value")
        level = [inner for each in level for inner in _inner(each)]


def _inner(value: Any) -> Any:
    if isinstance(value, Mapping):
        return value.values()
    return value if isinstance(value, list | tuple) else ()
