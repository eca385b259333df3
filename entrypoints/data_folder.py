"""The data folder, made and writable; a SQLite file, one process's alone."""

import fcntl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

LOCK: Final = ".serving"


class DataFolderUnusable(Exception):
    """The folder, or the SQLite file, can't be used; the message says why."""


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
def exclusive(database: Path) -> Iterator[None]:
    """Keep others off the SQLite file *database* while this process is at work on it.

    Of two, each would take the other's runs for abandoned. Raise DataFolderUnusable.
    """
    with database.with_name(f"{database.name}{LOCK}").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            message = f"Another Orbiter is at work on {database.absolute()}"
            raise DataFolderUnusable(message) from None
        yield
