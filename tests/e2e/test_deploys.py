"""A new version of the interpreter is deployed beside the old one, with real processes."""

import asyncio
import time
from pathlib import Path

from support.api import Caller, node
from support.commands import serving, working
from support.counting import Counting
from support.operation import TTL, a_flow, a_held_flow, begun, call, calling, ended, found, settings

OLD, NEW = 1, 2


async def test_old_runs_are_drained_and_go_on_at_the_new_one_once_the_old_one_is_killed(
    postgresql_url: str, tmp_path: Path, service: Counting
) -> None:
    some = settings(postgresql_url)
    with (
        serving(tmp_path / "api", **some, EXECUTE="off") as server,
        working(tmp_path / "old", interpreter=OLD, **some) as old,
    ):
        async with calling(server) as caller:
            held, asking = await a_held_flow(caller, service), await a_question(caller, service)
            at_work = await begun(caller, held)
            await asyncio.to_thread(service.until, "/held", 1)
            asked = [await parked(caller, asking) for _ in range(2)]
            with working(tmp_path / "new", interpreter=NEW, **some):
                new = await begun(caller, held)
                await asyncio.to_thread(service.until, "/held", 2)
                await answer(caller, asked[0])
                await asyncio.to_thread(service.until, "/held-answered", 1)
                assert await interpreters(postgresql_url) == {
                    at_work: OLD,
                    asked[0]: OLD,
                    asked[1]: OLD,
                    new: NEW,
                }
                old.kill()
                killed = time.monotonic()
                await answer(caller, asked[1])
                await asyncio.to_thread(service.until, "/held", 3, TTL + 5)
                await asyncio.to_thread(service.until, "/held-answered", 3, TTL + 5)
                assert time.monotonic() - killed < TTL + 5
                assert set((await interpreters(postgresql_url)).values()) == {NEW}
                service.released = True
                for run in (at_work, new, *asked):
                    assert (await ended(caller, run))["status"] == "completed"
    assert service.paths == {"/first": 2, "/held": 3, "/last": 2, "/held-answered": 3}


async def a_question(caller: Caller, service: Counting) -> str:
    """Return a workflow that asks, and calls /held-answered once it may."""
    return await a_flow(
        caller,
        node("ask", "approval", {"message": "May I?"}),
        call(service, "answered", "/held-answered"),
        node("no", "end"),
        edges="start > ask, ask.approved > answered, ask.rejected > no, answered > end",
    )


async def parked(caller: Caller, flow: str) -> str:
    run = await begun(caller, flow)
    while (await caller.get(f"/runs/{run}")).json()["status"] != "waiting":
        await asyncio.sleep(0.05)
    return run


async def answer(caller: Caller, run: str) -> None:
    steps = (await caller.get(f"/runs/{run}")).json()["steps"]
    (ask,) = (step["id"] for step in steps if step["node_id"] == "ask")
    answered = await caller.post(f"/runs/{run}/approvals/{ask}", {"decision": "approve"})
    assert answered.is_success, answered.text


async def interpreters(url: str) -> dict[str, int]:
    """Return which interpreter executed each unended run last."""
    query = "SELECT run_id || ' ' || interpreter FROM executions"
    return {run: int(number) for run, number in map(str.split, await found(url, query))}
