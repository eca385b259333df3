"""The data folder: made, writable, and one server's alone."""

import fcntl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

LOCK: Final = "serve.lock"


class DataFolderUnusable(Exception):
    """The folder can't be used; the message says why."""


def make_writable(folder: Path) -> None:
    """Make *folder*, for its owner's eyes alone, unless it is there; see that it takes files."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return
    except OSError as failure:
        message = f"ORBITER_DATA_DIR: {folder.absolute()} can't be written: {failure.strerror}"
        raise DataFolderUnusable(message) from None


@contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Keep other servers off *folder* while this one lives.

    Two servers on one SQLite file would each take the other's runs for abandoned.
    """
    with (folder / LOCK).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            message = f"Another Orbiter is serving from {folder.absolute()}"
            raise DataFolderUnusable(message) from None
        yield
