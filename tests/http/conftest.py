"""One running Orbiter for each test."""

from collections.abc import AsyncIterator

import pytest

from support.api import Api, running


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    """A fresh Orbiter in memory."""
    async with running() as api:
        yield api
