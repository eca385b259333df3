"""One fresh installation for each test."""

from pathlib import Path

import pytest

from support.office import Office


@pytest.fixture
def office(tmp_path: Path) -> Office:
    """Nobody has registered yet; registration is open."""
    return Office(mails=tmp_path / "mails")
