"""A user who draws workflows and runs them."""

import asyncio
import time
from typing import Any

from benchmarks.bench import PASSWORD
from benchmarks.load import measure, once, request

STEPS = 5


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

    async def start(self, flow: str, inputs: Any, wait: int = 0) -> Any:
        """Start a run and return it as it stands after at most *wait* seconds."""
        path = f"/workflows/{flow}/run" + (f"?wait={wait}" if wait else "")
        answer = await self.call("POST", path, {"inputs": inputs})
        assert answer.status < 300, answer.body
        return answer.body

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
