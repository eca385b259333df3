"""Real servers that are killed: what they were at work on goes on, nothing is stuck or lost."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from support.api import Caller, edge, node
from support.commands import Server, serving

SLEEPY = {
    "nodes": [node("start", "start"), node("nap", "delay", {"seconds": 3}), node("end", "end")],
    "edges": [edge("start", "nap"), edge("nap", "end")],
}


@asynccontextmanager
async def calling(server: Server) -> AsyncIterator[Caller]:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}") as client:
        yield Caller(client)


async def begun(caller: Caller) -> str:
    """Start a run that sleeps, and return its id."""
    await caller.sign_up("ada@example.org")
    flow = await caller.workflow(await caller.project(), SLEEPY)
    started = await caller.post(f"/workflows/{flow['id']}/run?wait=1", {})
    assert started.json()["status"] == "running"
    return str(started.json()["id"])


async def ended(caller: Caller, run: str) -> dict[str, object]:
    """Return a run once it has ended."""
    async with caller.client.stream("GET", f"/api/v1/runs/{run}/events", timeout=40) as events:
        async for _ in events.aiter_lines():
            pass
    shown: dict[str, object] = (await caller.get(f"/runs/{run}")).json()
    return shown


async def test_a_run_goes_on_after_its_server_was_killed(url: str, tmp_path: Path) -> None:
    settings: dict[str, Any] = {"DATABASE_URL": url, "LEASE_SECONDS": 3}
    with serving(tmp_path / "data", **settings) as server:
        async with calling(server) as caller:
            run = await begun(caller)
        server.process.kill()
        server.process.wait()
    with serving(tmp_path / "data", **settings) as server:
        async with calling(server) as caller:
            await caller.sign_in("ada@example.org")
            shown = await ended(caller, run)
            flow = (await caller.get("/workflows")).json()["data"][0]
            assert (await caller.delete(f"/projects/{flow['project_id']}?cascade=true")).is_success
    assert (shown["status"], shown["error"]) == ("completed", None)
