"""The installation's secret key: given by the operator, or made once and kept in a file."""

import os
import secrets
from pathlib import Path
from typing import Final

LENGTH_MIN: Final = 32
FILE_NAME: Final = "secret_key"


def load_secret_keys(value: str | None, data_dir: Path) -> tuple[str, ...]:
    """Return the keys of the comma list *value*, else the one kept in *data_dir*.

    The file is made at the first start, readable by its owner alone. Raises ValueError when a
    key is shorter than 32 characters, OSError when the directory can't be written.
    """
    if value is not None and value.strip():
        keys = tuple(part.strip() for part in value.split(","))
        return _long_enough(keys, "ORBITER_SECRET_KEY")
    path = data_dir / FILE_NAME
    if not path.exists():
        _make(path)
    return _long_enough((path.read_text().strip(),), str(path))


def _long_enough(keys: tuple[str, ...], source: str) -> tuple[str, ...]:
    if any(len(key) < LENGTH_MIN for key in keys):
        raise ValueError(f"{source}: each key needs at least {LENGTH_MIN} characters")
    return keys


def _make(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f"{FILE_NAME}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_urlsafe(48) + "\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        # A link never replaces: of two first starts at once, both go on with the key of one.
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    _sync(path.parent)


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
