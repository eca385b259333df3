"""Vendors of every wire format."""

import pytest

from support.vendors.wires import WIRES, Wire


@pytest.fixture(params=WIRES, ids=lambda wire: wire.provider_type.value)
def wire(request: pytest.FixtureRequest) -> Wire:
    """Give each wire format in turn."""
    given: Wire = request.param
    return given
