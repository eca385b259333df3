"""Finds where texts occur in another, at a cost that hardly depends on how many are sought."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

Span = tuple[int, int]

# Every so many characters of a text the piece that stands there is looked up: wherever something
# occurs that is nearly twice as long, one of its first pieces is met.
_PIECES: Final = (8, 4, 2, 1)


class TooMuchEffort(Exception):
    """Too many comparisons would have to be made."""


@dataclass(slots=True)
class Effort:
    """How many comparisons may still be made: texts may be chosen so as to need very many."""

    left: int

    def spend(self) -> None:
        """Count a comparison; raise TooMuchEffort when there were too many."""
        self.left -= 1
        if self.left < 0:
            raise TooMuchEffort


class Occurrences:
    """Knows the *sought* texts, none of which is empty."""

    def __init__(self, sought: Iterable[str]) -> None:
        self._pieces: dict[int, dict[str, list[tuple[int, str]]]] = {}
        for each in sought:
            size = next(size for size in _PIECES if len(each) >= 2 * size - 1)
            pieces = self._pieces.setdefault(size, defaultdict(list))
            for offset in range(size):
                pieces[each[offset : offset + size]].append((offset, each))

    def within(self, text: str, effort: Effort) -> Iterator[Span]:
        """Yield where each of the sought texts begins and ends, also where they overlap."""
        for size, pieces in self._pieces.items():
            for start in range(0, len(text) - size + 1, size):
                for offset, sought in pieces.get(text[start : start + size], ()):
                    effort.spend()
                    begin = start - offset
                    if begin >= 0 and text.startswith(sought, begin):
                        yield begin, begin + len(sought)
