"""What many runs at once, and many after another, leave of a server."""

import asyncio
import tempfile
import time
from typing import Any, Final

from rich.table import Table

from benchmarks.bench import computed_canvas, resident_mb
from benchmarks.caller import Caller, recorded_canvas, runs_a_second
from benchmarks.load import measure
from benchmarks.processes import Place, cpu_seconds, orbiter, service

WIDTH: Final = 100
PARKED: Final = 1_000
RUNS: Final = 10_000
WARM_UP: Final = 2_000
CALLERS: Final = 8


def wide_canvas(port: int) -> dict[str, Any]:
    """Return a graph of a loop whose turns run all at once, each one request."""
    call = {"url": f"http://127.0.0.1:{port}/"}
    turns = {"items": "range(inputs.width) | list", "concurrency": WIDTH}
    return {
        "nodes": [
            {"id": "start", "type": "start"},
            {"id": "all", "type": "loop", "config": turns},
            {"id": "call", "type": "http", "parent_id": "all", "config": call},
            {"id": "end", "type": "end"},
        ],
        "edges": [
            {"id": "1", "source": "start", "target": "all"},
            {"id": "2", "source": "all", "target": "end"},
        ],
    }


def approval_canvas() -> dict[str, Any]:
    """Return a graph that waits for somebody."""
    return {
        "nodes": [
            {"id": "start", "type": "start"},
            {"id": "ask", "type": "approval", "config": {"message": "May it go on?"}},
            {"id": "end", "type": "end"},
        ],
        "edges": [
            {"id": "1", "source": "start", "target": "ask"},
            {"id": "2", "source": "ask", "source_handle": "approved", "target": "end"},
        ],
    }


async def bench(seconds: float) -> Table:
    """Run everything on SQLite and return the table."""
    table = Table("what", "figure")
    async with service() as outside:
        for measuring in (fan_out, parked, memory):
            with tempfile.TemporaryDirectory(prefix="orbiter-") as folder, orbiter(folder) as place:
                caller = Caller(place.port)
                await caller.sign_up()
                for name, figure in await measuring(place, caller, outside, seconds):
                    table.add_row(name, figure)
    return table


async def fan_out(
    place: Place, caller: Caller, outside: int, seconds: float
) -> list[tuple[str, str]]:
    """Measure runs, one after the other, of which each does a hundred requests at once."""
    flow = await caller.flow(wide_canvas(outside))
    run = await caller.start(flow, {"width": WIDTH}, wait=30)
    assert run["status"] == "completed", run
    path, inputs = f"/workflows/{flow}/run?wait=30", {"inputs": {"width": WIDTH}}
    spent, before = cpu_seconds(place.pid), await caller.total("completed")
    figures = await measure(place.port, lambda: caller.raw("POST", path, inputs), 1, seconds)
    runs = await caller.total("completed") - before
    spent = cpu_seconds(place.pid) - spent
    assert not figures.failures
    name = f"{WIDTH} requests at once in a run, each recorded"
    return [
        (f"{name}: ms from start to end, p50", f"{figures.p50_ms:.0f}"),
        ("  requests a second", f"{figures.per_second * WIDTH:,.0f}"),
        ("  CPU ms per request", f"{1000 * spent / runs / WIDTH:.2f}"),
    ]


async def parked(
    place: Place, caller: Caller, outside: int, seconds: float
) -> list[tuple[str, str]]:
    """Measure what a thousand runs cost that wait for somebody, and what they keep waiting."""
    asking = await caller.flow(approval_canvas())
    calling = await caller.flow(recorded_canvas(outside))
    await caller.start(calling, {}, wait=30)
    await park(caller, asking, PARKED // 5)
    alone, before = await idle_percent(place, seconds), resident_mb(place.pid)
    await park(caller, asking, PARKED)
    held, idle = resident_mb(place.pid) - before, await idle_percent(place, seconds)
    waiting = await caller.total("waiting")
    began = time.perf_counter()
    run = await caller.start(calling, {}, wait=30)
    assert run["status"] == "completed", run
    beside = time.perf_counter() - began
    return [
        ("runs parked at an approval", f"{waiting:,}"),
        (f"  % of a core the server takes, and with {PARKED:,} fewer", f"{idle:.2f} {alone:.2f}"),
        ("  memory, KB for each of these", f"{1000 * held / PARKED:.1f}"),
        ("  ms of a run of 5 recorded steps beside them", f"{1000 * beside:.0f}"),
        ("  ms from an answer to the end of its run", f"{1000 * await answered(caller):.0f}"),
    ]


async def park(caller: Caller, flow: str, runs: int) -> None:
    """Start so many runs that wait, and return when all of them do."""
    for _ in range(0, runs, CALLERS):
        await asyncio.gather(*(caller.start(flow, {}) for _ in range(CALLERS)))
    await caller.all_ended()


async def idle_percent(place: Place, seconds: float) -> float:
    """Return how much of a core a server takes that is asked for nothing."""
    spent, began = cpu_seconds(place.pid), time.perf_counter()
    await asyncio.sleep(max(seconds, 2.0))
    return 100 * (cpu_seconds(place.pid) - spent) / (time.perf_counter() - began)


async def answered(caller: Caller) -> float:
    """Answer one of the approvals and return the seconds until its run has ended."""
    run = (await caller.call("GET", "/runs?limit=1&status=waiting")).body["data"][0]["id"]
    steps = (await caller.call("GET", f"/runs/{run}/steps")).body["data"]
    (step,) = (each["id"] for each in steps if each["node_id"] == "ask")
    began = time.perf_counter()
    told = await caller.call("POST", f"/runs/{run}/approvals/{step}", {"decision": "approve"})
    assert told.status < 300, told.body
    while (await caller.call("GET", f"/runs/{run}")).body["status"] != "completed":
        await asyncio.sleep(0.005)
    return time.perf_counter() - began


async def memory(
    place: Place, caller: Caller, outside: int, seconds: float
) -> list[tuple[str, str]]:
    """Measure what a server has kept in memory of runs that have ended, after a warm-up."""
    flow = await caller.flow(computed_canvas())
    share = min(1.0, seconds / 4)
    for runs in (WARM_UP, RUNS):
        before, held = await caller.total("completed"), resident_mb(place.pid)
        while (done := await caller.total("completed") - before) < runs * share:
            await runs_a_second(caller, flow, CALLERS, 2.0, wait=False)
        grown = 1000 * (resident_mb(place.pid) - held)
    return [
        (f"memory after {done:,} runs of 5 computed nodes, KB for each", f"{grown / done:.2f}"),
        ("  memory of the server then, MB", f"{resident_mb(place.pid):.0f}"),
    ]
