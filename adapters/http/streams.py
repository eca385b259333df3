"""Server-sent events as they are written (WHATWG HTML, 9.2), and who is sent them."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, Final

import msgspec
from litestar import Request
from litestar.response import Stream

EVENT_STREAM: Final = "text/event-stream"
# The option of a route that may answer with events.
STREAMS: Final = "streams"
RETRY_MILLISECONDS: Final = 1000
BEAT: Final = b": heartbeat\n\n"
_OFFERED: Final = ["application/json", EVENT_STREAM]


def message(event: str, data: Any, *, id: int | None = None) -> bytes:
    """Return one event; one without an *id* leaves where a client resumes as it is."""
    place = b"" if id is None else b"id: %d\n" % id
    return b"%bevent: %b\ndata: %b\n\n" % (place, event.encode(), msgspec.json.encode(data))


def stream(messages: AsyncGenerator[bytes, None], **headers: str) -> Stream:
    """Return an answer that sends messages as they come, past proxies that would hold them back."""
    return Stream(
        _with_retry(messages),
        status_code=200,
        media_type=EVENT_STREAM,
        headers={"X-Accel-Buffering": "no", **headers},
    )


def is_wanted(request: Request[Any, Any, Any]) -> bool:
    """Say whether the client prefers events to JSON."""
    return request.accept.best_match(_OFFERED) == EVENT_STREAM


async def _with_retry(messages: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    # Something at once, so that the client knows it is connected; and when to come back.
    yield b"retry: %d\n\n" % RETRY_MILLISECONDS
    async with aclosing(messages):
        async for each in messages:
            yield each
