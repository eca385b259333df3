"""Query parameters: what no type of theirs refuses is refused here."""

from datetime import UTC, datetime
from typing import Annotated

import msgspec
from litestar.params import QueryParameter

from orbiter.domain.errors import BadRequest

CreatedAfter = Annotated[
    str | None,
    QueryParameter(
        name="created_after",
        description="Only what was created at this time or later.",
        schema_extra={"format": "date-time"},
    ),
]
CreatedBefore = Annotated[
    str | None,
    QueryParameter(
        name="created_before",
        description="Only what was created at this time or earlier.",
        schema_extra={"format": "date-time"},
    ),
]


def text(value: str | None) -> str | None:
    """Return *value*, or raise BadRequest when it holds a NUL."""
    if value is not None and "\0" in value:
        raise BadRequest("A query parameter holds a NUL character")
    return value


def moment(name: str, value: str | None) -> datetime | None:
    """Return *value*, a time by RFC 3339, in UTC; without a time zone it is taken as UTC.

    Raise BadRequest, telling the parameter's *name*, for what is no such time.
    """
    if value is None:
        return None
    try:
        parsed = msgspec.convert(value, datetime)
        return parsed.replace(tzinfo=parsed.tzinfo or UTC).astimezone(UTC)
    except (msgspec.ValidationError, OverflowError):
        raise BadRequest(f"{name}: not a time like 2026-11-24T09:30:00Z") from None
