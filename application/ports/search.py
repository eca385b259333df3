"""Searching the web."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from orbiter.domain.errors import OrbiterError


class SearchError(OrbiterError):
    """A search that gave nothing usable; *code* says why, in capitals.

    `SEARCH_NOT_CONFIGURED`, `SEARCH_FAILED`, or that of an OutboundError.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchResult:
    """One page that was found; *snippet* is a text without markup."""

    title: str
    url: str
    snippet: str


class WebSearch(Protocol):
    """A search engine; what it says is untrusted, and bounded."""

    async def search(self, query: str, *, limit: int) -> Sequence[SearchResult]:
        """Return up to *limit* results, best first; raise SearchError."""
        ...
