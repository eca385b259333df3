"""Serving seen from outside: ports, signals, and the order of the end."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path

import pytest
import uvicorn
from uvicorn.server import ServerState

from orbiter.entrypoints.protocol import HEAD_BYTES, BoundedHttp
from support.serving import a_free_port, application

SCRIPT = Path(__file__).parents[1] / "support" / "serving.py"


@contextmanager
def a_server(
    port: int, *, shutdown_seconds: int = 5, seconds_to_end: float = 0
) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, str(SCRIPT), str(port), str(shutdown_seconds), str(seconds_to_end)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def heard(process: subprocess.Popen[str], word: str) -> None:
    """Read what the process says up to *word*."""
    assert process.stdout is not None
    for line in process.stdout:
        if line.strip() == word:
            return
    raise AssertionError(f"the process ended without saying {word!r}")


def the_rest(process: subprocess.Popen[str]) -> list[str]:
    assert process.stdout is not None
    return [line.strip() for line in process.stdout]


@contextmanager
def asked(port: int, path: str) -> Iterator[HTTPConnection]:
    """Send a request, whose answer may be waited for."""
    with closing(HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        connection.request("GET", path)
        yield connection


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_open_requests_are_finished_then_the_rest_is_closed(number: signal.Signals) -> None:
    port = a_free_port()
    with a_server(port) as process:
        heard(process, "listening")
        with asked(port, "/slow") as connection:
            heard(process, "request begins")
            process.send_signal(number)
            answer = connection.getresponse()
            assert (answer.status, answer.read()) == (200, b"done")
        assert the_rest(process) == ["request ends", "closed"]
        assert process.wait(5) == 0


def test_a_request_that_never_ends_is_cut_off_before_storage_is_closed() -> None:
    port = a_free_port()
    with a_server(port, shutdown_seconds=0) as process:
        heard(process, "listening")
        with asked(port, "/stuck"):
            heard(process, "request begins")
            process.terminate()
            said = the_rest(process)
        assert said.index("request ends") < said.index("closed")
        assert process.wait(5) == 0


def test_a_signal_that_comes_twice_is_one_and_a_later_one_ends_at_once() -> None:
    port = a_free_port()
    with a_server(port, seconds_to_end=3600) as process:
        heard(process, "listening")
        process.terminate()
        process.terminate()
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(1.5)
        process.terminate()
        assert process.wait(5) == 128 + signal.SIGTERM


def test_a_taken_port_is_told_before_anything_is_started() -> None:
    port = a_free_port()
    with a_server(port) as first:
        heard(first, "listening")
        with a_server(port) as second:
            said = the_rest(second)
            assert said == [f"Can't listen on 127.0.0.1, port {port}: Address already in use"]
            assert second.wait(5) == 1
        with asked(port, "/") as connection:
            assert connection.getresponse().status == 200


# The protocol


class Impatient(BoundedHttp):
    """The same protocol, that waits a twentieth of a second for a head."""

    head_seconds = 0.05


@asynccontextmanager
async def speaking_to(
    protocol: type[BoundedHttp],
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Connect to a server of *protocol*."""
    config = uvicorn.Config(application, http=protocol, ws="none", lifespan="off", log_config=None)
    config.load()
    state = ServerState()
    server = await asyncio.get_running_loop().create_server(
        lambda: protocol(config=config, server_state=state, app_state={}), "127.0.0.1", 0
    )
    async with server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        try:
            yield reader, writer
        finally:
            writer.close()


@pytest.mark.parametrize("said", [b"\x16\x03\x01\x02\x00", b"GET\r\n\r\n", b"G" * 100])
async def test_what_is_no_http_is_refused_in_the_envelope(said: bytes) -> None:
    async with speaking_to(BoundedHttp) as (reader, writer):
        writer.write(said)
        answer = await asyncio.wait_for(reader.read(), 5)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b'"code": "BAD_REQUEST"' in answer


@pytest.mark.parametrize("part", [b"x: " + b"y" * 1000 + b"\r\n", b"y" * 1000])
async def test_a_head_that_goes_on_and_on_is_cut_off(part: bytes) -> None:
    async with speaking_to(BoundedHttp) as (_, writer):
        writer.write(b"GET / HTTP/1.1\r\nx: ")
        with pytest.raises(ConnectionError):
            for _ in range(HEAD_BYTES):
                writer.write(part)
                await writer.drain()


async def test_a_long_head_within_the_bound_is_an_ordinary_one() -> None:
    async with speaking_to(BoundedHttp) as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\n")
        for number in range(40):
            writer.write(b"x-%d: " % number + b"y" * 1000 + b"\r\n")
            await writer.drain()
        writer.write(b"connection: close\r\n\r\n")
        assert (await asyncio.wait_for(reader.read(), 5)).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("said", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nx: y\r\n"])
async def test_who_does_not_come_to_the_point_is_hung_up_on(said: bytes) -> None:
    async with speaking_to(Impatient) as (reader, writer):
        writer.write(said)
        assert await asyncio.wait_for(reader.read(), 5) == b""


async def test_a_request_may_take_longer_than_its_head() -> None:
    async with speaking_to(Impatient) as (reader, writer):
        writer.write(b"GET /slow HTTP/1.1\r\nconnection: close\r\n\r\n")
        assert (await asyncio.wait_for(reader.read(), 5)).startswith(b"HTTP/1.1 200 ")
