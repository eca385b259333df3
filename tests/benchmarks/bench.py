"""Orbiter against the floors it stands on, in one run on one machine: `make bench`."""

import argparse
import asyncio
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvloop
from rich.console import Console
from rich.table import Table

from benchmarks.load import Figures, measure, once, request

BIN = Path(sys.executable).parent
CONCURRENCIES = (1, 8, 32)
PASSWORD = "correct-horse-battery-9"
SYNCHRONOUS = "FULL"


@dataclass(frozen=True)
class Case:
    """One thing to measure; *floor* names the case its ratio is taken to."""

    name: str
    port: int
    make: Callable[[], bytes]
    floor: str | None = None


@contextmanager
def server(command: list[str], port: int, **settings: str) -> Iterator[int]:
    """Run a server till the block ends, and give its process id."""
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(command, env={**os.environ, **settings}, stdout=log, stderr=log)
        try:
            while not _answers(port):
                if process.poll() is not None:
                    log.seek(0)
                    raise SystemExit(log.read())
                time.sleep(0.05)
            yield process.pid
        finally:
            process.terminate()
            process.wait(20)


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_port() -> int:
    """Return a port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def resident_mb(pid: int) -> float:
    """Return the memory a process holds, in MB (Linux)."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def floor_cases(port: int) -> list[Case]:
    """Return the floors."""
    return [
        Case("floor: Litestar + msgspec, GET", port, lambda: request("GET", "/bare/1")),
        Case("floor: raw aiosqlite, SELECT", port, lambda: request("GET", "/raw/1")),
        Case("floor: SQLAlchemy Core, SELECT", port, lambda: request("GET", "/core/1")),
        Case("floor: raw aiosqlite, INSERT", port, lambda: request("POST", "/raw", {})),
        Case("floor: SQLAlchemy Core, INSERT", port, lambda: request("POST", "/core", {})),
    ]


async def orbiter_cases(port: int) -> list[Case]:
    """Register, log in, create what is measured, and return the cases."""
    account = {"email": "bench@example.org", "password": PASSWORD}
    await once(port, request("POST", "/api/v1/auth/register", account))
    signed_in = await once(port, request("POST", "/api/v1/auth/login", account))
    headers = {"Cookie": signed_in.headers["set-cookie"].split(";")[0]}
    csrf = await once(port, request("GET", "/api/v1/auth/csrf", headers=headers))
    headers["X-CSRF-Token"] = str(csrf.body["token"])

    def call(method: str, path: str, body: Any = None) -> bytes:
        return request(method, f"/api/v1{path}", body, headers)

    for number in range(60):
        made = await once(port, call("POST", "/projects", {"name": f"Project {number}"}))
    project = made.body["id"]
    flow = {"project_id": project, "name": "Computed", "canvas": computed_canvas()}
    workflow = (await once(port, call("POST", "/workflows", flow))).body["id"]
    run = f"/workflows/{workflow}/run?wait=10"
    inputs = {"inputs": {"name": "Ada", "age": 36}}
    return [
        Case(
            "GET /projects/:id",
            port,
            lambda: call("GET", f"/projects/{project}"),
            "floor: SQLAlchemy Core, SELECT",
        ),
        Case("GET /projects?limit=50", port, lambda: call("GET", "/projects?limit=50")),
        Case(
            "POST /projects",
            port,
            lambda: call("POST", "/projects", {"name": "New"}),
            "floor: SQLAlchemy Core, INSERT",
        ),
        Case("run of 5 computed nodes", port, lambda: call("POST", run, inputs)),
        Case("POST /auth/login", port, lambda: call("POST", "/auth/login", account)),
    ]


def computed_canvas() -> dict[str, Any]:
    """Return a graph of five nodes, all of them computed."""
    greeting = "Hello {{ inputs.name }}"
    nodes = [
        {"id": "start", "type": "start"},
        {"id": "greet", "type": "template", "config": {"template": greeting}},
        {
            "id": "pick",
            "type": "condition",
            "config": {"cases": [{"handle": "grown", "when": "inputs.age >= 18"}]},
        },
        {
            "id": "shape",
            "type": "transform",
            "config": {"mapping": {"text": "{{ nodes.greet.output }}"}},
        },
        {"id": "end", "type": "end", "config": {"output": "{{ nodes.shape.output }}"}},
    ]
    edges = [
        {"id": "1", "source": "start", "target": "greet"},
        {"id": "2", "source": "greet", "target": "pick"},
        {"id": "3", "source": "pick", "source_handle": "grown", "target": "shape"},
        {"id": "4", "source": "shape", "target": "end"},
    ]
    return {"nodes": nodes, "edges": edges}


async def measured(
    cases: list[Case], seconds: float, pid: int, table: Table, floors: dict[str, float]
) -> None:
    """Measure each case at each concurrency and add it to the table."""
    for case in cases:
        for concurrency in CONCURRENCIES:
            figures = await measure(case.port, case.make, concurrency, seconds)
            name = f"{case.name} x{concurrency}"
            floors[name] = figures.per_second
            floor = floors.get(f"{case.floor} x{concurrency}")
            table.add_row(*_cells(case.name, concurrency, figures, floor, pid))


def _cells(
    name: str, concurrency: int, figures: Figures, floor: float | None, pid: int
) -> list[str]:
    return [
        name,
        str(concurrency),
        f"{figures.per_second:,.0f}",
        f"{figures.p50_ms:.1f}",
        f"{figures.p99_ms:.1f}",
        f"{figures.per_second / floor:.2f}" if floor else "",
        f"{resident_mb(pid):.0f}",
        str(figures.failures or ""),
    ]


async def beside_logins(cases: list[Case], seconds: float, table: Table, pid: int) -> None:
    """Measure reading while 32 callers do nothing but log in."""
    read = next(case for case in cases if case.name == "GET /projects/:id")
    login = next(case for case in cases if case.name == "POST /auth/login")
    storm = asyncio.create_task(measure(login.port, login.make, 32, seconds + 1))
    figures = await measure(read.port, read.make, 1, seconds)
    await storm
    table.add_row(*_cells("GET /projects/:id beside 32 logins", 1, figures, None, pid))


async def bench(seconds: float) -> Table:
    """Run everything and return the table."""
    table = Table("what", "callers", "per s", "p50 ms", "p99 ms", "of floor", "MB", "failed")
    floors: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        command = [sys.executable, "-m", "benchmarks.floors", folder, str(port), SYNCHRONOUS]
        with server(command, port) as pid:
            await measured(floor_cases(port), seconds, pid, table, floors)
        port = free_port()
        settings = {
            "ORBITER_PORT": str(port),
            "ORBITER_DATA_DIR": f"{folder}/data",
            "ORBITER_RATE_LIMITS": "off",
        }
        with server([str(BIN / "orbiter"), "serve"], port, **settings) as pid:
            cases = await orbiter_cases(port)
            await measured(cases, seconds, pid, table, floors)
            await beside_logins(cases, seconds, table, pid)
    return table


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=4.0, help="how long each case runs")
    chosen = parser.parse_args()
    Console(width=120).print(uvloop.run(bench(chosen.seconds)))
