"""Durable runs a second, from acceptance to the stored end: `python -m benchmarks.durable`."""

import argparse
import asyncio
import os
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import uvloop
from rich.console import Console
from rich.table import Table

from benchmarks.bench import BIN, CONCURRENCIES, PASSWORD, computed_canvas, free_port, server
from benchmarks.load import measure, once, request
from support.postgres import Postgres, execute

STEPS = 5
_ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 11\r\n\r\n"


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


def recorded_canvas(port: int) -> dict[str, Any]:
    """Return a graph of five requests, one after another, each a recorded step."""
    config = {"url": f"http://127.0.0.1:{port}/"}
    calls: list[dict[str, Any]] = [
        {"id": f"c{n}", "type": "http", "config": config} for n in range(STEPS)
    ]
    nodes = [{"id": "start", "type": "start"}, *calls, {"id": "end", "type": "end"}]
    ids = [str(node["id"]) for node in nodes]
    pairs = zip(ids, ids[1:], strict=False)
    edges = [{"id": f"{a}-{b}", "source": a, "target": b} for a, b in pairs]
    return {"nodes": nodes, "edges": edges}


class Caller:
    """A user of a new workspace on a server."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.headers: dict[str, str] = {}

    async def sign_up(self) -> None:
        account = {"email": f"{time.monotonic_ns()}@example.org", "password": PASSWORD}
        await once(self.port, request("POST", "/api/v1/auth/register", account))
        signed_in = await once(self.port, request("POST", "/api/v1/auth/login", account))
        self.headers = {"Cookie": signed_in.headers["set-cookie"].split(";")[0]}
        csrf = (await self.call("GET", "/auth/csrf")).body["token"]
        self.headers["X-CSRF-Token"] = str(csrf)

    def raw(self, method: str, path: str, body: Any = None) -> bytes:
        return request(method, f"/api/v1{path}", body, self.headers)

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        return await once(self.port, self.raw(method, path, body))

    async def flow(self, canvas: dict[str, Any]) -> str:
        project = (await self.call("POST", "/projects", {"name": "Bench"})).body["id"]
        body = {"project_id": project, "name": "Flow", "canvas": canvas}
        return str((await self.call("POST", "/workflows", body)).body["id"])

    async def total(self, status: str) -> int:
        answer = await self.call("GET", f"/runs?limit=1&status={status}")
        return int(answer.body["pagination"]["total"])

    async def all_ended(self) -> None:
        while await self.total("queued") + await self.total("running"):
            await asyncio.sleep(0.05)


async def runs_a_second(
    caller: Caller, flow: str, concurrency: int, seconds: float, *, wait: bool
) -> float:
    """Return how many runs came to their end, the ones left behind by the callers included."""
    path = f"/workflows/{flow}/run{'?wait=30' if wait else ''}"
    inputs = {"inputs": {"name": "Ada", "age": 36}}
    before = await caller.total("completed")
    began = time.perf_counter()
    figures = await measure(
        caller.port, lambda: caller.raw("POST", path, inputs), concurrency, seconds
    )
    assert not figures.failures
    await caller.all_ended()
    elapsed = time.perf_counter() - began
    return (await caller.total("completed") - before) / elapsed


@contextmanager
def orbiter(folder: str, url: str | None, workers: int | None) -> Iterator[int]:
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
        processes.enter_context(server([str(BIN / "orbiter"), "serve"], port, **settings))
        for _ in range(workers or 0):
            processes.enter_context(worker(settings))
        yield port


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


async def bench(seconds: float) -> Table:
    """Run everything and return the table."""
    table = Table("what", "database", "callers", "runs per s")
    with tempfile.TemporaryDirectory(prefix="orbiter-") as folder:
        Path(folder).chmod(0o755)
        postgres = Postgres(Path(tempfile.gettempdir()) / f"orbiter-bench-{os.getpid()}")
        await execute(postgres.url(), "CREATE DATABASE bench")
        url = postgres.url("bench")
        async with service() as outside:
            for database, address in (("SQLite", None), ("PostgreSQL", url)):
                with orbiter(folder, address, None) as port:
                    await compare(port, outside, database, seconds, table)
            for workers in (1, 2):
                with orbiter(folder, url, workers) as port:
                    caller = Caller(port)
                    await caller.sign_up()
                    flow = await caller.flow(recorded_canvas(outside))
                    rate = await runs_a_second(caller, flow, 32, seconds, wait=False)
                    name = f"5 recorded steps, {workers} worker{'s' * (workers > 1)}"
                    table.add_row(name, "PostgreSQL", "32", f"{rate:,.0f}")
    return table


async def compare(port: int, outside: int, database: str, seconds: float, table: Table) -> None:
    """Measure a server that executes what it accepts."""
    caller = Caller(port)
    await caller.sign_up()
    computed = await caller.flow(computed_canvas())
    recorded = await caller.flow(recorded_canvas(outside))
    for concurrency in CONCURRENCIES:
        for name, flow, wait in (
            ("5 computed nodes, not waited for", computed, False),
            ("5 recorded steps, waited for", recorded, True),
        ):
            rate = await runs_a_second(caller, flow, concurrency, seconds, wait=wait)
            table.add_row(name, database, str(concurrency), f"{rate:,.0f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=4.0, help="how long each case runs")
    chosen = parser.parse_args()
    Console(width=100).print(uvloop.run(bench(chosen.seconds)))
