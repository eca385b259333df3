"""Durable runs a second, from acceptance to the stored end: `python -m benchmarks.durable`."""

import argparse
import os
import tempfile
from pathlib import Path

import uvloop
from rich.console import Console
from rich.table import Table

from benchmarks import endurance
from benchmarks.bench import CONCURRENCIES, computed_canvas
from benchmarks.caller import Caller, recorded_canvas, runs_a_second
from benchmarks.processes import Place, cpu_seconds, orbiter, service
from support.postgres import Postgres, execute


async def bench(seconds: float) -> Table:
    """Run everything and return the table."""
    table = Table("what", "database", "callers", "runs per s", "CPU ms per run")
    with tempfile.TemporaryDirectory(prefix="orbiter-") as folder:
        Path(folder).chmod(0o755)
        postgres = Postgres(Path(tempfile.gettempdir()) / f"orbiter-bench-{os.getpid()}")
        await execute(postgres.url(), "CREATE DATABASE bench")
        url = postgres.url("bench")
        async with service() as outside:
            for database, address in (("SQLite", None), ("PostgreSQL", url)):
                with orbiter(folder, address, None) as place:
                    await compare(place, outside, database, seconds, table)
            for workers in (1, 2):
                with orbiter(folder, url, workers) as place:
                    caller = Caller(place.port)
                    await caller.sign_up()
                    flow = await caller.flow(recorded_canvas(outside))
                    rate = await runs_a_second(caller, flow, 32, seconds, wait=False)
                    name = f"5 recorded steps, {workers} worker{'s' * (workers > 1)}"
                    table.add_row(name, "PostgreSQL", "32", f"{rate:,.0f}", "")
    return table


async def compare(place: Place, outside: int, database: str, seconds: float, table: Table) -> None:
    """Measure a server that executes what it accepts."""
    caller = Caller(place.port)
    await caller.sign_up()
    computed = await caller.flow(computed_canvas())
    recorded = await caller.flow(recorded_canvas(outside))
    for concurrency in CONCURRENCIES:
        for name, flow, wait in (
            ("5 computed nodes, not waited for", computed, False),
            ("5 recorded steps, waited for", recorded, True),
        ):
            spent, runs = cpu_seconds(place.pid), await caller.total("completed")
            rate = await runs_a_second(caller, flow, concurrency, seconds, wait=wait)
            spent, runs = cpu_seconds(place.pid) - spent, await caller.total("completed") - runs
            cells = (f"{rate:,.0f}", f"{1000 * spent / runs:.1f}")
            table.add_row(name, database, str(concurrency), *cells)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=4.0, help="how long each case runs")
    chosen = parser.parse_args()
    for measuring in (bench, endurance.bench):
        Console(width=100).print(uvloop.run(measuring(chosen.seconds)))
