"""Conversations in real processes: neither a client nor a server that goes away loses an answer."""

import asyncio
from pathlib import Path
from typing import Any

from support.api import API, Caller
from support.commands import serving
from support.operation import calling, ended, settings
from support.paid_vendor import paid_vendor

SQLITE = "sqlite+aiosqlite:///{}/orbiter.db"


async def begun(caller: Caller, vendor_url: str) -> str:
    """Return the id of a conversation with an agent that calls a tool twice before it answers."""
    provider = {
        "name": "paid",
        "provider_type": "openai_compatible",
        "base_url": vendor_url,
        "max_retries": 0,
    }
    assert (await caller.post("/providers", provider)).status_code == 201
    tool = "00000000-0000-7000-8000-000000000003"
    agent = await caller.agent(await caller.project(), model="paid:some", tools=[tool])
    return await caller.conversation(agent["id"])


async def test_who_hangs_up_while_an_answer_is_spoken_finds_it_later(tmp_path: Path) -> None:
    with paid_vendor(turns=1, seconds=0.3) as vendor:
        with serving(tmp_path / "data", **settings(SQLITE.format(tmp_path))) as server:
            async with calling(server) as caller:
                path = f"/conversations/{await begun(caller, vendor.url)}/messages"
                headers = {"Accept": "text/event-stream", "X-CSRF-Token": caller.csrf or ""}
                said = {"content": "what time is it?"}
                async with caller.client.stream(
                    "POST", f"{API}{path}", json=said, headers=headers
                ) as answer:
                    assert answer.status_code == 200
                    await anext(answer.aiter_lines())
                assert len(vendor.paid) < 2, "it is still to be answered"
                (run,) = (await caller.get("/runs")).json()["data"]
                assert (await ended(caller, run["id"]))["status"] == "completed"
                messages = (await caller.get(path)).json()["data"]
    assert [each["role"] for each in messages] == ["user", "assistant"]
    assert {len(times) for times in vendor.paid.values()} == {1}


async def test_a_killed_server_gives_the_answer_once_it_is_back(url: str, tmp_path: Path) -> None:
    with paid_vendor(turns=2, seconds=0.3) as vendor:
        with serving(tmp_path / "data", **settings(url)) as server:
            async with calling(server) as caller:
                conversation = await begun(caller, vendor.url)
                path = f"/conversations/{conversation}/messages"
                asked = asyncio.ensure_future(caller.post(path, {"content": "what time is it?"}))
                await asyncio.to_thread(vendor.wait, lambda: len(vendor.paid) == 2, "second call")
                server.process.kill()
                await asyncio.gather(asked, return_exceptions=True)
        with serving(tmp_path / "data", **settings(url)) as server:
            async with calling(server) as caller:
                (run,) = (await caller.get("/runs")).json()["data"]
                shown = await ended(caller, run["id"])
                messages = (await caller.get(path)).json()["data"]
                again = await caller.post(path, {"content": "and now?"})
    assert (shown["status"], shown["conversation_id"]) == ("completed", conversation)
    assert [each["role"] for each in messages] == ["user", "assistant"]
    assert messages[1]["content"].startswith("done: ")
    assert again.status_code == 201, "the conversation is free"
    paid: dict[Any, int] = {key: len(times) for key, times in vendor.paid.items()}
    first = {length: times for (text, length), times in paid.items() if length < 6}
    assert first[min(first)] == 1, "what was recorded is not paid for again"
