"""Blobs as files of one folder, for one machine."""

import asyncio
import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Final, TypeVar

from orbiter.application.ports.blobs import (
    PAGE,
    require_blob_names,
    require_blob_place,
    require_blob_size,
)
from orbiter.domain.errors import Unavailable

T = TypeVar("T")

# What no segment of a name ends in: so files are told from folders, and from what is half written.
_MARK: Final = "."


class FolderBlobs:
    """Each blob is a file, `runs/a` the file `runs/a.`, for the owner's eyes alone.

    The folder is made when it is needed. No other process may write into it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder.absolute()

    async def put(self, name: str, data: bytes) -> None:
        """Keep *data*, in place of what was there."""
        require_blob_names(name)
        require_blob_size(data)
        await _in_thread(lambda: self._put(self._file(name), data))

    async def get(self, name: str) -> bytes | None:
        """Return what is kept, if anything is."""
        require_blob_names(name)
        return await _in_thread(lambda: _read(self._file(name)))

    async def list(
        self, prefix: str = "", *, after: str = "", limit: int = PAGE
    ) -> Sequence[tuple[str, int]]:
        """Return names and sizes of what is under *prefix*, in order."""
        require_blob_place(prefix, after)
        return await _in_thread(lambda: list(islice(self._found(prefix, after), limit)))

    async def remove(self, *prefixes: str) -> None:
        """Forget what has one of these names, and everything under it."""
        require_blob_names(*prefixes)
        await _in_thread(lambda: self._remove(prefixes))

    def _file(self, name: str) -> Path:
        return self._folder / f"{name}{_MARK}"

    def _put(self, file: Path, data: bytes) -> None:
        self._make(file.parent)
        half = file.with_name(f"{secrets.token_hex(8)}.part")
        try:
            descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as opened:
                opened.write(data)
                opened.flush()
                os.fsync(opened.fileno())
            half.replace(file)
        except BaseException:
            half.unlink(missing_ok=True)
            raise
        _sync(file.parent)

    def _make(self, folder: Path) -> None:
        if folder.is_dir():
            return
        if folder == self._folder:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        else:
            self._make(folder.parent)
            folder.mkdir(mode=0o700, exist_ok=True)
        _sync(folder.parent)

    def _found(self, prefix: str, after: str) -> Iterator[tuple[str, int]]:
        if prefix > after:
            with suppress(FileNotFoundError):
                yield prefix, self._file(prefix).stat().st_size
        yield from _walk(self._folder / prefix, f"{prefix}/" if prefix else "", after)

    def _remove(self, prefixes: Sequence[str]) -> None:
        for prefix in prefixes:
            self._file(prefix).unlink(missing_ok=True)
            with suppress(FileNotFoundError):
                shutil.rmtree(self._folder / prefix)


def _walk(folder: Path, stem: str, after: str) -> Iterator[tuple[str, int]]:
    for name, entry in sorted(_entries(folder, stem), key=lambda each: each[0]):
        if name.endswith("/"):
            # All that lies in a folder whose name comes before may be passed over together.
            if name > after or after.startswith(name):
                yield from _walk(Path(entry.path), name, after)
        elif name > after:
            with suppress(FileNotFoundError):
                yield name, entry.stat().st_size


def _entries(folder: Path, stem: str) -> Iterator[tuple[str, "os.DirEntry[str]"]]:
    with suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield f"{stem}{entry.name}/", entry
            elif entry.name.endswith(_MARK):
                yield f"{stem}{entry.name.removesuffix(_MARK)}", entry


def _read(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return None


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


async def _in_thread(work: Callable[[], T]) -> T:
    try:
        return await asyncio.to_thread(work)
    except OSError as failure:
        raise Unavailable(f"The blob store does not answer: {failure.strerror}") from failure
