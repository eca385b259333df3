"""Keyset pages: stable while rows are inserted, because ids grow with time (UUIDv7)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

LIMIT_DEFAULT: Final = 20
LIMIT_MAX: Final = 100

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRequest:
    """Which part of a list is wanted: *limit* items (1..100) beyond the id *after*."""

    limit: int = LIMIT_DEFAULT
    after: str | None = None
    newest_first: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[Item]):
    """A part of a list; *next_after* is None on the last page, *total* counts all that match."""

    items: Sequence[Item]
    next_after: str | None
    total: int
