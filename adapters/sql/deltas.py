"""What models say here, on its way to other processes on the same PostgreSQL.

It is notified as it is, gathered for a moment, and kept nowhere: what can't be sent is lost. Nobody
waits for it, and nothing fails by it.
"""

import asyncio
import logging
import re
import secrets
from collections.abc import Awaitable, Callable, Iterator
from itertools import count
from typing import Any, Final

from orbiter.adapters.sql.postgresql import CONNECT_SECONDS
from orbiter.application.ports.run_events import RunFeed

CHANNEL: Final = "orbiter_deltas"
GATHER_SECONDS: Final = 0.03
PAUSE_SECONDS: Final = 2.0
# What waits to be sent, in characters; while it is that much, what is said is not taken.
WAITING_MAX: Final = 1024 * 1024
# A notification holds less than 8,000 bytes, and UTF-8 takes up to 4 for a character.
PIECE_MAX: Final = 1900
PIECES_AT_ONCE: Final = 500
_SENT: Final = re.compile(r"(\S{1,64}) \d{1,18} (\S{1,64}) (\S{1,64}) (.+)", re.DOTALL)
_NOTIFY: Final = "SELECT pg_notify($1, piece) FROM unnest($2::text[]) AS piece"

log = logging.getLogger(__name__)


class Outbox:
    """What is said in this process and not sent yet."""

    def __init__(self) -> None:
        self._origin = secrets.token_hex(4)
        self._numbers = count()
        self._waiting: dict[tuple[str, str], list[str]] = {}
        self._characters = 0
        self._some = asyncio.Event()

    def tell(self, run_id: str, step_id: str, text: str) -> None:
        """Take what a model is just saying, unless too much is waiting already."""
        if self._characters + len(text) <= WAITING_MAX:
            self._waiting.setdefault((run_id, step_id), []).append(text)
            self._characters += len(text)
            self._some.set()

    def hear(self, feed: RunFeed, sent: str) -> None:
        """Tell *feed* what another process than this one has sent."""
        found = _SENT.fullmatch(sent)
        if found and found[1] != self._origin:
            feed.hear(*found.group(2, 3, 4))

    async def send(self, connect: Callable[[], Awaitable[Any]]) -> None:
        """Send what is told, again and again, over a connection that the first of it opens."""
        while True:
            await self._some.wait()
            try:
                await self._send_over(await connect())
            except Exception as error:
                log.warning("What models say is not heard by other processes: %s", error)
            self._take()
            await asyncio.sleep(PAUSE_SECONDS)

    async def _send_over(self, connection: Any) -> None:
        try:
            while True:
                await self._some.wait()
                pieces = self._take()
                for at in range(0, len(pieces), PIECES_AT_ONCE):
                    some = pieces[at : at + PIECES_AT_ONCE]
                    await connection.execute(_NOTIFY, CHANNEL, some, timeout=CONNECT_SECONDS)
                await asyncio.sleep(GATHER_SECONDS)
        finally:
            connection.terminate()

    def _take(self) -> list[str]:
        waiting, self._waiting, self._characters = self._waiting, {}, 0
        self._some.clear()
        return [
            # Numbered, as of equal notifications in one transaction a single one arrives.
            f"{self._origin} {next(self._numbers)} {run_id} {step_id} {piece}"
            for (run_id, step_id), texts in waiting.items()
            for piece in _cut("".join(texts))
        ]


def _cut(text: str) -> Iterator[str]:
    """Yield the text in pieces that a notification can hold, without what it can't."""
    text = text.replace("\0", "").encode(errors="replace").decode()
    for at in range(0, len(text), PIECE_MAX):
        yield text[at : at + PIECE_MAX]
