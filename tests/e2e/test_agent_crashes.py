"""Agents in real processes, really killed: no call of a model or tool is paid for twice."""

import asyncio
import random
import time
from pathlib import Path
from typing import Any, Final

from support.api import Caller
from support.commands import serving
from support.counting import Counting
from support.operation import MOMENT, all_ended, calling, ended, settings
from support.paid_vendor import paid_vendor

KILLS: Final = 4
TURNS: Final = 3


async def an_agent(caller: Caller, vendor_url: str, tool_url: str) -> str:
    """Return the id of an agent with one tool, which calls a service."""
    provider = {
        "name": "paid",
        "provider_type": "openai_compatible",
        "base_url": vendor_url,
        "max_retries": 0,
    }
    assert (await caller.post("/providers", provider)).status_code == 201
    project = await caller.project(str(time.monotonic_ns()))
    tool = {
        "project_id": project,
        "name": "look",
        "kind": "http",
        "config": {"method": "GET", "url": tool_url, "query": {"at": "{{ arguments.place }}"}},
        "parameters": {"type": "object", "properties": {"place": {"type": "integer"}}},
    }
    made = await caller.post("/tools", tool)
    assert made.status_code == 201, made.text
    agent = {
        "project_id": project,
        "name": "Looker",
        "model": "paid:some",
        "tools": [made.json()["id"]],
    }
    created = await caller.post("/agents", agent)
    assert created.status_code == 201, created.text
    return str(created.json()["id"])


async def begun(caller: Caller, agent: str, text: str) -> str:
    started = await caller.post(f"/agents/{agent}/run", {"input": text})
    assert started.status_code == 202, started.text
    return str(started.json()["id"])


async def test_a_crash_in_a_loop_pays_for_no_call_twice(
    url: str, tmp_path: Path, service: Counting
) -> None:
    chance, accepted, kills, agent = random.Random(11), dict[str, str](), list[float](), ""
    with paid_vendor(turns=TURNS, seconds=0.05) as vendor:
        for life in range(KILLS):
            with serving(tmp_path / "data", **settings(url)) as server:
                async with calling(server) as caller:
                    agent = agent or await an_agent(caller, vendor.url, service.url("/"))
                    for number in range(6):
                        text = f"run {life}.{number}"
                        accepted[text] = await begun(caller, agent, text)
                    await asyncio.sleep(chance.uniform(0.05, 0.4))
                    kills.append(time.monotonic())
                    server.process.kill()
        with serving(tmp_path / "data", **settings(url)) as server:
            async with calling(server) as caller:
                await all_ended(caller)
                shown = [(await caller.get(f"/runs/{run}")).json() for run in accepted.values()]
    for run in shown:
        assert (run["status"], run["error"]) == ("completed", None), run["error"]
        calls = [step for step in run["steps"] if step["kind"] == "model"]
        assert len(calls) == TURNS + 1
        assert run["usage"]["input_tokens"] == sum(each["usage"]["input_tokens"] for each in calls)
    assert {text for text, _ in vendor.paid} == accepted.keys()
    for asked in (vendor.paid, service.asked):
        assert_only_what_was_cut_off_is_repeated(asked, kills)


def assert_only_what_was_cut_off_is_repeated(
    asked: dict[Any, list[float]], kills: list[float]
) -> None:
    for key, times in asked.items():
        for before, after in zip(times, times[1:], strict=False):
            cut_off = [kill for kill in kills if before - MOMENT < kill < after]
            assert any(kill - before < MOMENT for kill in cut_off), (key, times, kills)


async def test_a_cancel_reaches_a_vendor_that_hangs_within_a_second(
    url: str, tmp_path: Path, service: Counting
) -> None:
    with paid_vendor(held=True) as vendor, serving(tmp_path / "data", **settings(url)) as server:
        async with calling(server) as caller:
            run = await begun(caller, await an_agent(caller, vendor.url, service.url("/")), "hi")
            await asyncio.to_thread(vendor.wait, lambda: vendor.paid, "call")
            asked = time.monotonic()
            assert (await caller.post(f"/runs/{run}/cancel")).status_code == 202
            await asyncio.to_thread(vendor.wait, lambda: vendor.hung_up, "hanging up")
            assert vendor.hung_up[0] - asked < 1
            shown = await ended(caller, run)
    assert shown["status"] == "cancelled"
    assert {step["status"] for step in shown["steps"]} == {"failed"}
    assert {step["error"]["code"] for step in shown["steps"]} == {"CANCELLED"}
