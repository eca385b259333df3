"""Orbiter as it is deployed, and a service that its runs call."""

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.bench import BIN, free_port, server

_ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 11\r\n\r\n"


@dataclass(frozen=True)
class Place:
    """A server that runs: where it listens, and its process id."""

    port: int
    pid: int


@asynccontextmanager
async def service() -> AsyncIterator[int]:
    """Give the port of a service that answers at once."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(_ANSWER + b'{"ok":true}')
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    listening = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with listening:
        yield listening.sockets[0].getsockname()[1]


@contextmanager
def orbiter(folder: str, url: str | None = None, workers: int | None = None) -> Iterator[Place]:
    """Run a server, and workers beside it that do all the work if there are any."""
    port = free_port()
    settings = {
        "ORBITER_PORT": str(port),
        "ORBITER_DATA_DIR": f"{folder}/{port}",
        "ORBITER_RATE_LIMITS": "off",
        "ORBITER_EGRESS_ALLOW": "127.0.0.1",
        "ORBITER_EXECUTE": "on" if workers is None else "off",
        **({"ORBITER_DATABASE_URL": url} if url else {}),
    }
    with ExitStack() as processes:
        command = [str(BIN / "orbiter"), "serve"]
        pid = processes.enter_context(server(command, port, **settings))
        for _ in range(workers or 0):
            processes.enter_context(worker(settings))
        yield Place(port, pid)


@contextmanager
def worker(settings: dict[str, str]) -> Iterator[None]:
    """Run a worker till the block ends."""
    process = subprocess.Popen(
        [str(BIN / "orbiter"), "worker"],
        env={**os.environ, **settings},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        while "executes" not in process.stdout.readline():
            pass
        yield
    finally:
        process.terminate()
        process.wait(20)


def cpu_seconds(pid: int) -> float:
    """Return the processor time a process has taken so far (Linux)."""
    after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(after_name[11]) + int(after_name[12])) / os.sysconf("SC_CLK_TCK")
