"""Shared by the tests with real processes."""

from collections.abc import Iterator

import pytest

from support.counting import Counting, counting


@pytest.fixture
def service() -> Iterator[Counting]:
    """A service that counts what it is asked."""
    with counting() as service:
        yield service
