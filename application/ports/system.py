"""Time, calendars, ids and mail."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """The one source of time."""

    def now(self) -> datetime:
        """Return the present, in UTC, cut to milliseconds."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after *seconds*."""


class Calendar(Protocol):
    """When what recurs is next due."""

    def next_tick(self, cron: str, timezone: str, *, after: datetime) -> datetime | None:
        """Return the first tick after *after* in UTC, or None when there is none.

        *cron* has five fields and is read in *timezone*, an IANA name; raise Invalid naming those
        of the two that are wrong.
        """
        ...


class IdFactory(Protocol):
    """Issue ids: UUIDv7 (RFC 9562) as canonical text, growing with time."""

    def __call__(self) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """A plain text mail to one address."""

    to: str
    subject: str
    text: str


class Mailer(Protocol):
    """Send mail."""

    async def send(self, mail: Mail) -> None:
        """Hand the mail over, or raise Unavailable."""
