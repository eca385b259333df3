"""Large things beside the rows: values, documents, what runs leave behind."""

from collections.abc import Sequence
from typing import Final, Protocol

BLOB_MAX: Final = 64 * 1024 * 1024
NAME_MAX: Final = 1000
SEGMENT_MAX: Final = 200
PAGE: Final = 1000


class Blobs(Protocol):
    """Bytes by name.

    A name is made of segments with `/` between, such as `artifacts/<workspace>/<run>/report.csv`;
    `is_blob_name` says which ones can be. Of others ValueError is raised. When the store does not
    answer, or is full, Unavailable is.

    Put a blob before the row that names it, and remove it after the row: what fails in between
    leaves bytes that nobody names, and never a name without bytes. Use it outside of units of
    work, each of which may hold the connection that this one needs.
    """

    async def put(self, name: str, data: bytes) -> None:
        """Keep *data*, in place of what was there; it is seen whole or not at all.

        It outlives a loss of power once this returns. Raise ValueError beyond BLOB_MAX bytes.
        """

    async def get(self, name: str) -> bytes | None:
        """Return what is kept, if anything is."""
        ...

    async def list(
        self, prefix: str = "", *, after: str = "", limit: int = PAGE
    ) -> Sequence[tuple[str, int]]:
        """Return names and their sizes in bytes: that of *prefix*, and those under it.

        They come in the order of their characters' numbers, up to *limit* of those *after*. An
        empty prefix is everything.
        """
        ...

    async def remove(self, *prefixes: str) -> None:
        """Forget what has one of these names, and everything under it; there may be nothing."""


def is_blob_name(name: str) -> bool:
    """Say whether a blob may have that name.

    It has up to NAME_MAX bytes of UTF-8, each of its segments up to SEGMENT_MAX: printable
    characters but for backslashes, the last of them no dot.
    """
    return len(name.encode(errors="replace")) <= NAME_MAX and all(map(_is_segment, name.split("/")))


def require_blob_names(*names: str) -> None:
    """Raise ValueError unless blobs may have these names."""
    for name in names:
        if not is_blob_name(name):
            raise ValueError(f"No blob can be named {name[:NAME_MAX]!r}")


def require_blob_place(prefix: str, after: str) -> None:
    """Raise ValueError unless names under *prefix* can come, those after *after*."""
    require_blob_names(*filter(None, (prefix, after)))


def require_blob_size(data: bytes) -> None:
    """Raise ValueError when *data* is too much for one blob."""
    if len(data) > BLOB_MAX:
        raise ValueError(f"A blob may have up to {BLOB_MAX // 1024**2} MiB")


def _is_segment(segment: str) -> bool:
    return (
        segment != ""
        and segment.isprintable()
        and "\\" not in segment
        and not segment.endswith(".")
        and len(segment.encode()) <= SEGMENT_MAX
    )
