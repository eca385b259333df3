"""Keyset pages: stable while rows are inserted, because ids grow with time (UUIDv7)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from orbiter.domain.checks import is_id
from orbiter.domain.errors import BadRequest

LIMIT_DEFAULT: Final = 20
LIMIT_MAX: Final = 100
_NUMBER_DIGITS: Final = 15

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRequest:
    """Which part of a list is wanted: *limit* items (1..100) beyond the id *after*."""

    limit: int = LIMIT_DEFAULT
    after: str | None = None
    newest_first: bool = True

    def id_after(self) -> str | None:
        """Return the id the page begins after; raise BadRequest when *after* can be none."""
        if self.after is not None and not is_id(self.after):
            raise BadRequest("The cursor is not valid")
        return self.after

    def number_after(self) -> int | None:
        """Return the number the page begins after, where rows are numbered; or BadRequest."""
        if self.after is None:
            return None
        if len(self.after) > _NUMBER_DIGITS or not self.after.isdecimal():
            raise BadRequest("The cursor is not valid")
        return int(self.after)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[Item]):
    """A part of a list; *next_after* is None on the last page, *total* counts all that match."""

    items: Sequence[Item]
    next_after: str | None
    total: int
