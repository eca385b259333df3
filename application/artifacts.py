"""Files that runs leave: each run has a folder of its own, which goes with it."""

import asyncio
from collections.abc import Sequence
from typing import Final
from weakref import WeakValueDictionary

from orbiter.application.ports.blobs import Blobs, is_blob_name
from orbiter.domain.errors import OrbiterError

FILE_MAX: Final = 1024 * 1024
FILES_MAX: Final = 100
FOLDER_MAX: Final = 20 * 1024 * 1024
PATH_MAX: Final = 500


class ArtifactError(OrbiterError):
    """A file that can't be read or written; *code* says why, in capitals."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Artifacts:
    """The folders of all runs, beside the runs' other blobs: deleted, and swept, with them.

    A path is made of names with `/` between, such as `notes/a.md`; nothing leads out of a run's
    folder. All methods raise ArtifactError, and Unavailable when the blob store does not answer.
    """

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs
        self._writing: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def read(self, run_id: str, path: str) -> str:
        """Return the text of a file."""
        data = await self._blobs.get(_name(run_id, path))
        if data is None:
            raise ArtifactError("FILE_NOT_FOUND", f"There is no file {path!r}")
        try:
            return data.decode()
        except UnicodeDecodeError:
            raise ArtifactError("FILE_NOT_TEXT", f"The file {path!r} is no text") from None

    async def write(self, run_id: str, path: str, text: str) -> int:
        """Put a text in place of what the file was; return its size in bytes.

        A file has at most 1 MiB, a folder 100 files and 20 MiB.
        """
        name, data = _name(run_id, path), text.encode(errors="replace")
        if len(data) > FILE_MAX:
            raise ArtifactError("FILE_TOO_LARGE", f"A file has at most {FILE_MAX // 1024**2} MiB")
        # One after the other: each has to see what there is room for.
        async with self._writing.setdefault(run_id, asyncio.Lock()):
            others = {
                known: size
                for known, size in await self._blobs.list(_folder(run_id), limit=FILES_MAX + 1)
                if known != name
            }
            _require_room(len(others) + 1, sum(others.values()) + len(data))
            await self._blobs.put(name, data)
        return len(data)

    async def list(self, run_id: str) -> Sequence[tuple[str, int]]:
        """Return the paths of the files, in order, with their sizes in bytes."""
        folder = _folder(run_id)
        found = await self._blobs.list(folder, limit=FILES_MAX)
        return [(name.removeprefix(f"{folder}/"), size) for name, size in found]

    async def remove(self, run_id: str) -> None:
        """Forget all of them."""
        await self._blobs.remove(_folder(run_id))


def _require_room(files: int, size: int) -> None:
    if files > FILES_MAX:
        raise ArtifactError("TOO_MANY_FILES", f"A run has at most {FILES_MAX} files")
    if size > FOLDER_MAX:
        message = f"The files of a run have at most {FOLDER_MAX // 1024**2} MiB together"
        raise ArtifactError("FOLDER_FULL", message)


def _name(run_id: str, path: str) -> str:
    name = f"{_folder(run_id)}/{path}"
    if len(path) > PATH_MAX or not is_blob_name(name):
        message = (
            f"{path[:100]!r} is no path of a file: names with / between, such as notes/a.md, "
            "none of them ending in a dot"
        )
        raise ArtifactError("INVALID_PATH", message)
    return name


def _folder(run_id: str) -> str:
    return f"runs/{run_id}/files"
