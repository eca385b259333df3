"""Secrets that runs use, from the API to each database: sent to services, found nowhere else."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import pytest
from sqlalchemy import MetaData, select, text
from sqlalchemy.ext.asyncio import create_async_engine

from orbiter.adapters.outbound.allowlist import EgressAllowlist
from orbiter.application.ports.storage import Storage
from support.api import Caller, edge, node, running
from support.hiding import shown
from support.outbound import Heard, Server, serving

TOKEN: Final = "s3cr/et&<to ken>\"'\\x"
NAMED: Final = "{{ secrets.TOKEN }}"
CODE: Final = "def main(inputs):\n    print(inputs['key'])\n    return {inputs['key']: inputs}"
# Enough for the value to be kept apart from its row.
LARGE: Final = 100_000


@dataclass
class Mirror:
    """Sends back the headers and body it hears, many times; fails where it is *down*."""

    down: set[str] = field(default_factory=set)

    async def talk(self, heard: Heard, writer: asyncio.StreamWriter) -> None:
        status = "503 Sorry" if heard.target in self.down else "200 OK"
        told = {"headers": dict(heard.headers), "body": heard.body.decode(), "pad": "x" * LARGE}
        body = json.dumps(told).encode()
        head = f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: "
        writer.write(f"{head}{len(body)}\r\n\r\n".encode() + body)


@dataclass
class Place:
    """A server, whom it calls, and all that it has answered."""

    caller: Caller
    service: Server
    mirror: Mirror
    project: str = ""
    answers: list[str] = field(default_factory=list)

    async def get(self, path: str) -> Any:
        answer = await self.caller.get(path)
        assert answer.status_code == 200, answer.text
        self.answers.append(answer.text)
        return answer.json() if answer.text.startswith(("{", "[")) else answer.text

    async def flow(self, *nodes: dict[str, Any], name: str) -> str:
        """Return a workflow of nodes one after another."""
        every = [node("start", "start"), *nodes, node("end", "end")]
        ids = [each["id"] for each in every if not each.get("parent_id")]
        edges = [
            edge(source, target, "approved" if source == "ask" else None)
            for source, target in zip(ids, ids[1:], strict=False)
        ]
        made = await self.caller.workflow(self.project, {"nodes": every, "edges": edges}, name=name)
        assert made["valid"], made["issues"]
        return str(made["id"])

    def call(self, name: str, **config: Any) -> dict[str, Any]:
        return node(name, "http", {"url": self.service.url(f"/{name}"), "method": "POST", **config})

    async def begin(self, path: str, body: Any = None) -> str:
        started = await self.caller.post(path, body)
        assert started.status_code in (200, 202), started.text
        self.answers.append(started.text)
        return str(started.json()["id"])

    async def stands(self, run_id: str, *statuses: str) -> Any:
        """Return the run as soon as it has one of the statuses."""
        async with asyncio.timeout(30):
            while (run := await self.get(f"/runs/{run_id}"))["status"] not in statuses:
                await asyncio.sleep(0.02)
        return run

    def keys_sent_to(self, *paths: str) -> list[str]:
        heard = [each for each in self.service.heard if each.target.lstrip("/") in paths]
        return [each.headers["x-key"] for each in heard]


@asynccontextmanager
async def placed(storage: Storage) -> AsyncIterator[Place]:
    mirror = Mirror()
    async with serving(mirror.talk) as service:
        allowed = EgressAllowlist.parse("127.0.0.1")
        async with running(storage, egress_allow=allowed) as api:
            caller = await api.admin()
            made = await caller.post("/secrets", {"name": "TOKEN", "value": TOKEN})
            assert made.status_code == 201, made.text
            place = Place(caller, service, mirror, await caller.project())
            yield place


async def eventful(place: Place) -> str:
    """Return a workflow that does much with a secret, and asks before its last call."""
    child = await place.flow(
        place.call("below", headers={"X-Key": NAMED}, body="{{ inputs.key }}"), name="Child"
    )
    header = {"X-Key": "{{ nodes.header.output }}"}
    return await place.flow(
        node("header", "template", {"template": "Key " + NAMED}),
        place.call("first", headers=header, auth={"type": "bearer", "token": NAMED}, body=NAMED),
        node("code", "code", {"code": CODE, "inputs": {"key": NAMED}}),
        node("child", "workflow", {"workflow_id": child, "inputs": {"key": NAMED}}),
        node("loop", "loop", {"items": "[secrets.TOKEN]"}),
        {**place.call("turn", headers=header, body="{{ item }}"), "parent_id": "loop"},
        node("tell", "notify", {"channel": {"type": "in_app"}, "message": "It is " + NAMED}),
        node("ask", "approval", {"message": "May " + NAMED + " be used?"}),
        place.call("last", headers=header, body="{{ nodes.first.output.body.body }}"),
        name="Parent",
    )


async def approved(place: Place, run_id: str) -> None:
    async with asyncio.timeout(30):
        while True:
            steps = (await place.get(f"/runs/{run_id}"))["steps"]
            asked = [each for each in steps if each["node_id"] == "ask"]
            if asked and asked[0]["status"] == "waiting":
                break
            await asyncio.sleep(0.02)
    step = asked[0]
    body = {"decision": "approve", "comment": "yes"}
    answer = await place.caller.post(f"/runs/{run_id}/approvals/{step['id']}", body)
    assert answer.status_code == 200, answer.text


async def test_it_is_sent_and_found_nowhere(
    storage: Storage, address: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with placed(storage) as place:
        flow = await eventful(place)
        place.mirror.down = {"/last"}
        run_id = await place.begin(f"/workflows/{flow}/run", {})
        await approved(place, run_id)
        failed = await place.stands(run_id, "completed", "failed")
        assert (failed["status"], failed["error"]["node_id"]) == ("failed", "last")

        place.mirror.down = set()
        retried = await place.begin(f"/runs/{run_id}/retry")
        run = await place.stands(retried, "completed", "failed")
        assert run["error"] is None
        reused = {step["node_id"] for step in run["steps"] if step["reused"]}
        assert {"header", "first", "child", "loop"} <= reused
        assert run["output"]["body"]["body"] == "***"

        replayed = await place.begin(f"/runs/{retried}/replay", {"from_node": "code"})
        await approved(place, replayed)
        assert (await place.stands(replayed, "completed", "failed"))["error"] is None

        key = f"Key {TOKEN}"
        assert place.keys_sent_to("first") == [key]
        assert place.keys_sent_to("last") == [key] * 3
        assert place.keys_sent_to("turn") == [key] * 2
        assert place.keys_sent_to("below") == [TOKEN] * 2
        given = [each.body for each in place.service.heard if each.target == "/below"]
        assert given == [b"***"] * 2

        for path in (
            *(f"/runs/{each}/events" for each in (run_id, retried, replayed)),
            "/runs?limit=100",
            "/runs?trigger=parent",
            "/notifications",
            "/secrets",
            "/audit-log",
        ):
            await place.get(path)
        for child in (await place.get("/runs?trigger=parent"))["data"]:
            await place.get(f"/runs/{child['id']}")
        assert "May *** be used?" in str(place.answers)
        assert "It is ***" in str(place.answers)
    assert not shown(TOKEN, place.answers)
    assert not shown(TOKEN, caplog.text)
    if address:
        rows = await everything_in(address)
        assert any("It is ***" in row for row in rows)
        assert not [row for row in rows if shown(TOKEN, row)]


async def everything_in(url: str) -> Sequence[str]:
    """Return the texts in all the rows of a database."""
    engine = create_async_engine(url)
    found: list[str] = []
    try:
        async with engine.connect() as connection:
            tables = MetaData()
            await connection.run_sync(tables.reflect)
            for table in tables.sorted_tables:
                for row in await connection.execute(select(text("*")).select_from(table)):
                    found += map(_readable, row)
    finally:
        await engine.dispose()
    return found


def _readable(cell: Any) -> str:
    return cell.decode(errors="replace") if isinstance(cell, bytes) else str(cell)
