"""A small application served in a process of its own, to see how one begins and ends."""

import asyncio
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvloop

from orbiter.entrypoints.loading import load
from orbiter.entrypoints.serving import CannotListen, serve


def a_free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def say(word: str) -> None:
    print(word, flush=True)


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Answer at once, or on `/slow` once half a second has passed, or on `/stuck` never."""
    try:
        if scope["path"] != "/":
            say("request begins")
            await asyncio.sleep(0.5 if scope["path"] == "/slow" else 3600)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"done"})
    finally:
        say("request ends")


@asynccontextmanager
async def started(seconds_to_end: float) -> AsyncIterator[Any]:
    """Give the application; ending it takes a while."""
    say("started")
    try:
        yield application
    finally:
        await asyncio.sleep(seconds_to_end)
        say("closed")


def main(port: str, shutdown_seconds: str, seconds_to_end: str) -> None:
    """Serve, and tell on stdout what happens when."""
    options = {"ORBITER_PORT": port, "ORBITER_SHUTDOWN_SECONDS": shutdown_seconds}
    settings = load({}, options).settings
    work = serve(started(float(seconds_to_end)), settings, lambda: say("listening"))
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(work)
    except CannotListen as refusal:
        say(str(refusal))
        sys.exit(1)


if __name__ == "__main__":
    main(*sys.argv[1:])
