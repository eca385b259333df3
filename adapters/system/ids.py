"""Ids that grow with time, so that an index is written at its end."""

from uuid_utils.compat import uuid7


def new_id() -> str:
    """Return a UUIDv7 (RFC 9562) as canonical text."""
    return str(uuid7())
