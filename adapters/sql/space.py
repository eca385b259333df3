"""Giving a SQLite file's free space back to the file system.

Pages are moved to the file's end in small steps, between which others write; a VACUUM would copy
the whole file and keep every writer out meanwhile.
"""

import sqlite3
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Final

from orbiter.adapters.sql.sqlite import PATIENCE_SECONDS

PAGES: Final = 1000  # in one step, 4 MB
PAUSE_SECONDS: Final = 0.01
_INCREMENTAL: Final = 2


def make_shrinkable(path: Path) -> None:
    """Let the file shrink from now on; one that another process keeps is left for the next time.

    A file that could not has to be copied once; one that is new holds next to nothing.
    """
    with closing(_connected(path)) as connection:
        if _asked(connection, "PRAGMA auto_vacuum") != _INCREMENTAL:
            with suppress(sqlite3.OperationalError):
                connection.execute(f"PRAGMA auto_vacuum = {_INCREMENTAL}")
                connection.execute("VACUUM")


def shrink(path: Path) -> None:
    """Shrink the file by what is free in it."""
    with closing(_connected(path)) as connection:
        before, free = None, _asked(connection, "PRAGMA freelist_count")
        while free and free != before:
            # A script is stepped to its end, where `execute` would free a single page.
            connection.executescript(f"PRAGMA incremental_vacuum({PAGES})")
            before, free = free, _asked(connection, "PRAGMA freelist_count")
            time.sleep(PAUSE_SECONDS)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def _connected(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=PATIENCE_SECONDS, isolation_level=None)


def _asked(connection: sqlite3.Connection, question: str) -> Any:
    return connection.execute(question).fetchone()[0]
