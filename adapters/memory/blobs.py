"""Blobs in memory."""

from collections.abc import Sequence

from orbiter.application.ports.blobs import (
    PAGE,
    require_blob_names,
    require_blob_place,
    require_blob_size,
)


class MemoryBlobs:
    """Bytes that end with the process."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    async def put(self, name: str, data: bytes) -> None:
        """Keep *data*, in place of what was there."""
        require_blob_names(name)
        require_blob_size(data)
        self._kept[name] = data

    async def get(self, name: str) -> bytes | None:
        """Return what is kept, if anything is."""
        require_blob_names(name)
        return self._kept.get(name)

    async def list(
        self, prefix: str = "", *, after: str = "", limit: int = PAGE
    ) -> Sequence[tuple[str, int]]:
        """Return names and sizes of what is under *prefix*, in order."""
        require_blob_place(prefix, after)
        names = sorted(name for name in self._under(prefix) if name > after)
        return [(name, len(self._kept[name])) for name in names[:limit]]

    async def remove(self, *prefixes: str) -> None:
        """Forget what has one of these names, and everything under it."""
        require_blob_names(*prefixes)
        for prefix in prefixes:
            for name in self._under(prefix):
                del self._kept[name]

    def _under(self, prefix: str) -> Sequence[str]:
        stem = f"{prefix}/" if prefix else ""
        return [name for name in self._kept if name == prefix or name.startswith(stem)]
