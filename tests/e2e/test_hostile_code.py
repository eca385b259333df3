"""A real server whose users' code means harm: it goes on answering, and leaves nothing behind."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from time import perf_counter
from typing import Any

import httpx
import pytest

from support.api import Caller, edge, node
from support.commands import Server, serving

ATTACKS = {
    "return 'a' * 2**31": "CODE_MEMORY_LIMIT",
    "while True: pass": "CODE_TIMEOUT",
    "x = 3\n  while True: x = x * x": "CODE_TIMEOUT",
    "while True: print('a' * 1000)": "CODE_OUTPUT_LIMIT",
}


@asynccontextmanager
async def calling(server: Server) -> AsyncIterator[Caller]:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}") as client:
        yield Caller(client)


def drawn(body: str) -> dict[str, Any]:
    code = node("code", "code", {"code": f"def main(inputs):\n  print('begun')\n  {body}"})
    nodes = [node("start", "start"), code, node("end", "end")]
    return {"nodes": nodes, "edges": [edge("start", "code"), edge("code", "end")]}


async def run_of(caller: Caller, project: Any, body: str) -> tuple[dict[str, Any], float]:
    """Return a run of *body*, and how many seconds it took."""
    flow = await caller.workflow(project, drawn(body))
    assert flow["valid"], flow["issues"]
    began = perf_counter()
    answer = await caller.post(f"/workflows/{flow['id']}/run?wait=20", {})
    took = perf_counter() - began
    return (await caller.get(f"/runs/{answer.json()['id']}")).json(), took


async def longest_wait(caller: Caller, until: asyncio.Future[Any]) -> float:
    """Return how long an answer took at most, of one asked for after the other."""
    longest = 0.0
    while not until.done():
        asked = perf_counter()
        assert (await caller.get("/auth/me")).is_success
        longest = max(longest, perf_counter() - asked)
    return longest


@pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")
async def test_a_server_answers_while_code_attacks_it(tmp_path: Path) -> None:
    with serving(tmp_path / "data", RATE_LIMITS="off") as server:
        async with calling(server) as caller:
            await caller.sign_up("ada@example.org")
            project = await caller.project()
            runs = asyncio.gather(*(run_of(caller, project, body) for body in ATTACKS))
            longest = await longest_wait(caller, runs)
            for (run, took), code in zip(await runs, ATTACKS.values(), strict=True):
                assert (run["status"], run["error"]["code"]) == ("failed", code)
                assert took < 4
            assert longest < 1
            fine, _ = await run_of(caller, project, "return 1")
            assert fine["output"] == 1
            assert [step["logs"] for step in fine["steps"]] == [[], ["begun"], []]
        pid = server.process.pid
        tasks = Path(f"/proc/{pid}/task").iterdir()
        workers = {child for task in tasks for child in (task / "children").read_text().split()}
        assert workers
        server.process.terminate()
        server.process.wait(timeout=20)
    assert not any(Path(f"/proc/{worker}").exists() for worker in workers)


async def test_saving_code_does_not_run_it_and_says_what_is_wrong(tmp_path: Path) -> None:
    with serving(tmp_path / "data") as server:
        async with calling(server) as caller:
            await caller.sign_up("ada@example.org")
            project = await caller.project()
            flow = await caller.workflow(project, drawn("return ]"))
            assert not flow["valid"]
            (issue,) = flow["issues"]
            assert (issue["node_id"], issue["code"]) == ("code", "INVALID_CODE")
            assert issue["message"].endswith("(line 3)")
            refused = await caller.post(f"/workflows/{flow['id']}/run", {})
            assert refused.status_code == 422
