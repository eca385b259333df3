"""Real servers that are killed: what they were at work on is told, nothing is stuck or lost."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from support.api import Caller, edge, node
from support.commands import Server, serving

SLEEPY = {
    "nodes": [node("start", "start"), node("nap", "delay", {"seconds": 600}), node("end", "end")],
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


async def test_a_killed_server_tells_what_it_interrupted(url: str, tmp_path: Path) -> None:
    with serving(tmp_path / "data", DATABASE_URL=url) as server:
        async with calling(server) as caller:
            run = await begun(caller)
        server.process.kill()
        server.process.wait()
    with serving(tmp_path / "data", DATABASE_URL=url) as server:
        async with calling(server) as caller:
            await caller.sign_in("ada@example.org")
            shown = (await caller.get(f"/runs/{run}")).json()
            flow = (await caller.get("/workflows")).json()["data"][0]
            assert (await caller.delete(f"/projects/{flow['project_id']}?cascade=true")).is_success
    assert (shown["status"], shown["error"]["code"]) == ("failed", "INTERRUPTED")
    assert {step["node_id"]: step["status"] for step in shown["steps"]}["nap"] == "failed"


async def test_a_second_server_leaves_the_runs_of_the_first_alone(
    postgresql_url: str, tmp_path: Path
) -> None:
    with serving(tmp_path / "one", DATABASE_URL=postgresql_url) as first:
        async with calling(first) as caller:
            run = await begun(caller)
        with serving(tmp_path / "two", DATABASE_URL=postgresql_url) as second:
            async with calling(second) as caller:
                await caller.sign_in("ada@example.org")
                assert (await caller.get(f"/runs/{run}")).json()["status"] == "running"
