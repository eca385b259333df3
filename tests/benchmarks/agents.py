"""What a run of an agent costs beside its model: `python -m benchmarks.agents`.

Each run is two calls of a vendor that answers at once and one call of a tool, all of them recorded.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvloop
from rich.console import Console
from rich.table import Table

from benchmarks.bench import CONCURRENCIES
from benchmarks.caller import Caller
from benchmarks.load import measure
from benchmarks.processes import Place, cpu_seconds, orbiter
from orbiter.entrypoints import embed
from support.postgres import Postgres, execute


@contextmanager
def vendor() -> Iterator[int]:
    """Give the port of a vendor that answers at once."""
    command = [sys.executable, "-m", "benchmarks.vendor"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline())
    finally:
        process.kill()
        process.wait()


async def an_agent(caller: Caller, port: int) -> str:
    """Return the id of an agent that calculates."""
    url = f"http://127.0.0.1:{port}/v1"
    provider = {"name": "bench", "provider_type": "openai_compatible", "base_url": url}
    assert (await caller.call("POST", "/providers", provider)).status == 201
    project = (await caller.call("POST", "/projects", {"name": "Bench"})).body["id"]
    tools = [embed.builtin_tool("calculator")]
    agent = {"project_id": project, "name": "Adder", "model": "bench:m", "tools": tools}
    made = await caller.call("POST", "/agents", agent)
    assert made.status == 201, made.body
    return str(made.body["id"])


async def compare(place: Place, port: int, database: str, seconds: float, table: Table) -> None:
    """Measure one server."""
    caller = Caller(place.port)
    await caller.sign_up()
    path = f"/agents/{await an_agent(caller, port)}/run?wait=30"
    for concurrency in CONCURRENCIES:
        spent, runs = cpu_seconds(place.pid), await caller.total("completed")
        figures = await measure(
            caller.port,
            lambda: caller.raw("POST", path, {"input": "What is 2 + 3?"}),
            concurrency,
            seconds,
        )
        assert not figures.failures
        spent, runs = cpu_seconds(place.pid) - spent, await caller.total("completed") - runs
        table.add_row(
            database,
            str(concurrency),
            f"{figures.per_second:,.0f}",
            f"{figures.p50_ms:.1f}",
            f"{figures.p99_ms:.1f}",
            f"{1000 * spent / runs:.1f}",
        )


async def bench(seconds: float) -> Table:
    """Run everything and return the table."""
    table = Table("database", "callers", "runs per s", "p50 ms", "p99 ms", "CPU ms per run")
    with tempfile.TemporaryDirectory(prefix="orbiter-") as folder, vendor() as port:
        Path(folder).chmod(0o755)
        postgres = Postgres(Path(tempfile.gettempdir()) / f"orbiter-bench-{os.getpid()}")
        await execute(postgres.url(), "CREATE DATABASE agents")
        for database, url in (("SQLite", None), ("PostgreSQL", postgres.url("agents"))):
            with orbiter(folder, url) as place:
                await compare(place, port, database, seconds, table)
    return table


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=4.0, help="how long each case runs")
    Console(width=100).print(uvloop.run(bench(parser.parse_args().seconds)))
