"""Orbiter in operation: real servers, workflows that call a counting service, and their runs."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import asyncpg  # type: ignore[import-untyped]
import httpx
from sqlalchemy import make_url

from support.api import PASSWORD, Caller, edge, node
from support.commands import Server
from support.counting import Counting

TTL: Final = 3
# A step counts as in flight until its record is committed, a moment after the answer.
MOMENT: Final = 1.0
EMAIL: Final = "ada@example.org"
OPEN: Final = ("queued", "running", "waiting")


def settings(url: str, **more: object) -> dict[str, Any]:
    return {
        "DATABASE_URL": url,
        "LEASE_SECONDS": TTL,
        "RATE_LIMITS": "off",
        "EGRESS_ALLOW": "127.0.0.1",
        **more,
    }


@asynccontextmanager
async def calling(server: Server) -> AsyncIterator[Caller]:
    address = f"http://127.0.0.1:{server.port}"
    async with httpx.AsyncClient(base_url=address, timeout=40) as client:
        caller = Caller(client)
        known = await caller.post("/auth/register", {"email": EMAIL, "password": PASSWORD})
        assert known.status_code in (201, 409)
        yield await caller.sign_in(EMAIL)


async def a_flow(caller: Caller, *nodes: dict[str, Any], edges: str) -> str:
    """Return the id of a workflow; *edges* is like `start > ask, ask.approved > end`."""
    pairs = (pair.split(" > ") for pair in edges.split(", "))
    canvas = {
        "nodes": [node("start", "start"), *nodes, node("end", "end")],
        "edges": [_edge(source, target) for source, target in pairs],
    }
    flow = await caller.workflow(await caller.project(str(time.monotonic_ns())), canvas)
    assert flow["valid"], flow["issues"]
    return str(flow["id"])


def _edge(source: str, target: str) -> dict[str, Any]:
    name, _, handle = source.partition(".")
    return edge(name, target, handle or None)


def call(service: Counting, name: str, path: str = "/") -> dict[str, Any]:
    return node(name, "http", {"url": service.url(path)})


async def a_held_flow(caller: Caller, service: Counting) -> str:
    """Return a workflow that calls /first, /held and /last, one after another."""
    calls = (call(service, name, f"/{name}") for name in ("first", "held", "last"))
    return await a_flow(
        caller, *calls, edges="start > first, first > held, held > last, last > end"
    )


async def begun(caller: Caller, flow: str) -> str:
    started = await caller.post(f"/workflows/{flow}/run", {})
    assert started.status_code == 202, started.text
    return str(started.json()["id"])


async def ended(caller: Caller, run: str, seconds: float = 30) -> dict[str, Any]:
    end = time.monotonic() + seconds
    while (shown := (await caller.get(f"/runs/{run}")).json())["status"] in OPEN:
        assert time.monotonic() < end, f"after {seconds} s it is {shown['status']}"
        await asyncio.sleep(0.05)
    return dict(shown)


async def all_ended(caller: Caller) -> None:
    """Return when no run is left that has not ended."""
    end = time.monotonic() + TTL + 20
    for status in OPEN * 2:
        while (await caller.get(f"/runs?limit=1&status={status}")).json()["data"]:
            assert time.monotonic() < end, "some are stuck"
            await asyncio.sleep(0.1)


async def found(url: str, query: str) -> list[Any]:
    """Return the first column of what a query finds in PostgreSQL."""
    address = make_url(url).set(drivername="postgresql")
    connection = await asyncpg.connect(address.render_as_string(hide_password=False))
    rows = await connection.fetch(query)
    await connection.close()
    return [row[0] for row in rows]
