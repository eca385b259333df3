"""Serving HTTP in a loop of our own, from binding the port to the last answer."""

import asyncio
import os
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, ExitStack, contextmanager
from typing import Any, Final

import uvicorn

from orbiter.entrypoints.garbage import spare_what_stays
from orbiter.entrypoints.protocol import BoundedHttp
from orbiter.entrypoints.settings import Settings

Application = Callable[..., Awaitable[None]]
Started = AbstractAsyncContextManager[Application]

# `make` and process groups pass one and the same signal on twice.
SAME_SIGNAL_SECONDS: Final = 1.0
SETTLE_SECONDS: Final = 1.0


class CannotListen(Exception):
    """The address can't be listened on; the message says why."""


async def serve(
    started: Started,
    settings: Settings,
    announce: Callable[[], None],
    let_go: Callable[[], None] = lambda: None,
) -> None:
    """Serve what *started* gives until SIGINT or SIGTERM, then end in order.

    The port is bound first, so that a second server changes nothing, and taken into use once
    *started* is entered; then *announce* is called. At the end *let_go* is to end what would go on
    for as long as the client likes, no connection is accepted any more, open requests get
    `shutdown_seconds`, and *started* is left. A second signal ends the process at once. Raise
    CannotListen.
    """
    listening = _bound(settings.host, settings.port)
    try:
        async with started as application:
            server = _Server(_config(application, settings), announce, let_go)
            _end_on_signals(server)
            await server.serve(sockets=listening)
            await server.settle()
    finally:
        for each in listening:
            each.close()


class _Server(uvicorn.Server):
    """uvicorn without its own signal handlers, which would end the process by the signal."""

    def __init__(
        self, config: uvicorn.Config, announce: Callable[[], None], let_go: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self._announce = announce
        self._let_go = let_go

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then say so."""
        try:
            await super().startup(sockets)
        except OSError as failure:
            raise _cannot_listen(self.config.host, self.config.port, failure) from None
        spare_what_stays()
        self._announce()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let go of who only listens, then end."""
        self._let_go()
        await super().shutdown(sockets)

    async def settle(self) -> None:
        """Let requests that were cut off come to their end, before storage is closed."""
        if self.server_state.tasks:
            await asyncio.wait(self.server_state.tasks, timeout=SETTLE_SECONDS)


def _config(application: Application, settings: Settings) -> uvicorn.Config:
    return uvicorn.Config(
        application,
        host=settings.host,
        port=settings.port,
        http=BoundedHttp,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=settings.shutdown_seconds,
    )


def _end_on_signals(server: _Server) -> None:
    loop = asyncio.get_running_loop()
    first: list[float] = []

    def end(number: int) -> None:
        server.should_exit = True
        first.append(loop.time())
        if loop.time() - first[0] > SAME_SIGNAL_SECONDS:
            os._exit(128 + number)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, end, number)


def _bound(host: str, port: int) -> list[socket.socket]:
    with ExitStack() as made:
        try:
            found = socket.getaddrinfo(host.encode(), port, type=socket.SOCK_STREAM)
            sockets = [_bound_to(family, address, made) for family, *_, address in found]
        except OSError as failure:
            raise _cannot_listen(host, port, failure) from None
        made.pop_all()
    return sockets


def _bound_to(family: int, address: Any, made: ExitStack) -> socket.socket:
    bound = made.enter_context(socket.socket(family, socket.SOCK_STREAM))
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    bound.bind(address)
    return bound


def _cannot_listen(host: str, port: int, failure: OSError) -> CannotListen:
    return CannotListen(f"Can't listen on {host}, port {port}: {failure.strerror}")
