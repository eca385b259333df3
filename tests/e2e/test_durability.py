"""Real processes, really killed: nothing is lost or stuck, and no recorded step runs again."""

import asyncio
import random
import signal
import subprocess
import time
from pathlib import Path
from typing import Final

from support.api import node
from support.commands import orbiter, serving, working
from support.counting import Counting
from support.operation import (
    MOMENT,
    TTL,
    a_flow,
    a_held_flow,
    all_ended,
    begun,
    call,
    calling,
    ended,
    found,
    settings,
)

KILLS: Final = 10


async def test_ten_kills_under_load_lose_nothing_and_repeat_nothing_recorded(
    url: str, tmp_path: Path, service: Counting
) -> None:
    service.seconds = 0.02
    chance, accepted, kills, flow = random.Random(7), list[str](), list[float](), ""
    for life in range(KILLS):
        with serving(tmp_path / "data", **settings(url)) as server:
            async with calling(server) as caller:
                flow = flow or await a_flow(
                    caller,
                    *(call(service, name) for name in ("a", "b", "c", "d", "e")),
                    edges="start > a, a > b, start > c, c > d, b > e, d > e, e > end",
                )
                if life % 3 == 0:
                    # One that is killed too often in a row would fail, as it should.
                    await all_ended(caller)
                load = [asyncio.ensure_future(begun(caller, flow)) for _ in range(20)]
                await asyncio.sleep(chance.uniform(0.1, 0.5))
                kills.append(time.monotonic())
                server.process.kill()
                answers = await asyncio.gather(*load, return_exceptions=True)
                accepted += [each for each in answers if isinstance(each, str)]
    with serving(tmp_path / "data", **settings(url)) as server:
        async with calling(server) as caller:
            await all_ended(caller)
            for run in accepted:
                shown = (await caller.get(f"/runs/{run}")).json()
                assert (shown["status"], shown["error"]) == ("completed", None)
    assert len(accepted) > KILLS
    again = {key: times for key, times in service.asked.items() if len(times) > 1}
    for key, times in again.items():
        for time_before, time_after in zip(times, times[1:], strict=False):
            cut_off = [kill for kill in kills if time_before - MOMENT < kill < time_after]
            assert any(kill - time_before < MOMENT for kill in cut_off), (key, times, kills)


async def test_a_living_process_takes_over_what_a_killed_one_left(
    postgresql_url: str, tmp_path: Path, service: Counting
) -> None:
    with (
        serving(tmp_path / "one", **settings(postgresql_url)) as one,
        serving(tmp_path / "two", **settings(postgresql_url)) as two,
    ):
        async with calling(one) as caller:
            run = await begun(caller, await a_held_flow(caller, service))
        await asyncio.to_thread(service.until, "/held", 1)
        one.process.kill()
        killed = time.monotonic()
        await asyncio.to_thread(service.until, "/held", 2, TTL + 5)
        service.released = True
        async with calling(two) as caller:
            shown = await ended(caller, run)
        assert time.monotonic() - killed < TTL + 5
    assert shown["status"] == "completed"
    assert service.paths == {"/first": 1, "/held": 2, "/last": 1}
    assert sorted(map(len, service.asked.values())) == [1, 1, 2], "the key of a step stays"


async def test_a_zombie_that_wakes_up_repeats_nothing_and_works_on(
    postgresql_url: str, tmp_path: Path, service: Counting
) -> None:
    with serving(tmp_path / "one", **settings(postgresql_url)) as zombie:
        async with calling(zombie) as caller:
            run = await begun(caller, await a_held_flow(caller, service))
            await asyncio.to_thread(service.until, "/held", 1)
            with serving(tmp_path / "two", **settings(postgresql_url)) as two:
                zombie.process.send_signal(signal.SIGSTOP)
                await asyncio.to_thread(service.until, "/held", 2)
                service.released = True
                async with calling(two) as other:
                    shown = await ended(other, run)
            zombie.process.send_signal(signal.SIGCONT)
            again = await begun(caller, await a_held_flow(caller, service))
            assert (await ended(caller, again))["status"] == "completed"
            assert (await caller.get(f"/runs/{run}")).json() == shown
    assert shown["status"] == "completed"
    assert service.paths == {"/first": 2, "/held": 3, "/last": 2}


async def test_a_long_delay_ends_in_its_time_although_the_server_was_killed(
    url: str, tmp_path: Path, service: Counting
) -> None:
    with serving(tmp_path / "data", **settings(url)) as server:
        async with calling(server) as caller:
            nap = node("nap", "delay", {"seconds": 6})
            flow = await a_flow(
                caller, call(service, "a"), nap, edges="start > a, a > nap, nap > end"
            )
            started = await caller.post(f"/workflows/{flow}/run?wait=1", {})
            assert started.json()["status"] == "waiting"
        server.process.kill()
    with serving(tmp_path / "data", **settings(url)) as server:
        async with calling(server) as caller:
            shown = await ended(caller, started.json()["id"])
    assert shown["status"] == "completed"
    assert 6000 <= shown["duration_ms"] < 12_000
    assert service.paths == {"/": 1}


async def test_workers_share_what_a_server_accepts_and_hear_of_a_cancellation(
    postgresql_url: str, tmp_path: Path, service: Counting
) -> None:
    some = settings(postgresql_url, RUN_CONCURRENCY=4, SHUTDOWN_SECONDS=1)
    with (
        serving(tmp_path / "api", **some, EXECUTE="off") as server,
        working(tmp_path / "one", **some) as one,
        working(tmp_path / "two", **some),
    ):
        async with calling(server) as caller:
            flow = await a_held_flow(caller, service)
            runs = [await begun(caller, flow) for _ in range(8)]
            await asyncio.to_thread(service.until, "/held", 8)
            shares = await found(
                postgresql_url,
                "SELECT count(*) FROM executions WHERE executor_id IS NOT NULL "
                "GROUP BY executor_id",
            )
            assert shares == [4, 4]

            cancelled, at = runs.pop(), time.monotonic()
            await caller.post(f"/runs/{cancelled}/cancel", {})
            await asyncio.to_thread(service.wait, lambda: service.hung_up, "end of it", 2)
            assert service.hung_up[0] - at < 1

            one.send_signal(signal.SIGTERM)
            await asyncio.to_thread(one.wait, 10)
            assert one.returncode == 0
            service.released = True
            for run in runs:
                assert (await ended(caller, run, TTL))["status"] == "completed"
            waited = await caller.post(f"/workflows/{flow}/run?wait=10", {})
            assert waited.json()["status"] == "completed"


def test_a_worker_needs_postgresql(tmp_path: Path) -> None:
    refused: subprocess.CompletedProcess[str] = orbiter("worker", folder=tmp_path)
    assert refused.returncode == 1
    assert "A worker needs PostgreSQL" in refused.stderr
