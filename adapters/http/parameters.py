"""Query parameters: what no type of theirs refuses is refused here."""

from datetime import UTC, datetime

from orbiter.domain.errors import BadRequest


def text(value: str | None) -> str | None:
    """Return *value*, or raise BadRequest when it holds a NUL."""
    if value is not None and "\0" in value:
        raise BadRequest("A query parameter holds a NUL character")
    return value


def moment(value: datetime | None) -> datetime | None:
    """Return *value* in UTC; one without a time zone is taken as UTC."""
    if value is None:
        return None
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
