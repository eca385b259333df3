"""Retrying and replaying over HTTP: what has been done is not done again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from orbiter.adapters.outbound.allowlist import EgressAllowlist
from support.api import Caller, edge, node, running


@dataclass
class Service:
    """Counts what is asked; fails for the paths in *down*."""

    asked: list[str] = field(default_factory=list)
    down: set[str] = field(default_factory=set)
    port: int = 0

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}/{path}"

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path = (await reader.readline()).split()[1].decode().lstrip("/")
        while await reader.readline() not in (b"\r\n", b""):
            pass
        self.asked.append(path)
        status = "503 Sorry" if path in self.down else "200 OK"
        head = f"HTTP/1.1 {status}\r\ncontent-length: {len(path)}\r\nconnection: close\r\n\r\n"
        writer.write(head.encode() + path.encode())
        await writer.drain()
        writer.close()
        await writer.wait_closed()


@asynccontextmanager
async def serving() -> AsyncIterator[Service]:
    service = Service()
    server = await asyncio.start_server(service.answer, "127.0.0.1", 0)
    service.port = server.sockets[0].getsockname()[1]
    async with server:
        yield service


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    async with serving() as service:
        yield service


@pytest.fixture
async def admin(service: Service) -> AsyncIterator[Caller]:
    allowed = EgressAllowlist.parse(f"127.0.0.1:{service.port}")
    async with running(egress_allow=allowed) as api:
        yield await api.admin()


def calls(service: Service, *names: str) -> dict[str, Any]:
    """Return a canvas of calls one after another."""
    nodes = [
        node("start", "start"),
        *(node(name, "http", {"url": service.url(name)}) for name in names),
        node("text", "template", {"template": "for {{ inputs.who }}"}),
        node("end", "end", {"output": "{{ nodes.text.output }}"}),
    ]
    ids = ["start", *names, "text", "end"]
    return {"nodes": nodes, "edges": [edge(*pair) for pair in zip(ids, ids[1:], strict=False)]}


async def run(caller: Caller, canvas: dict[str, Any], **inputs: Any) -> dict[str, Any]:
    """Return the ended run of a new workflow."""
    flow = await caller.workflow(await caller.project(), canvas)
    path = f"/workflows/{flow['id']}/run?wait=20"
    return await ended(caller, (await caller.post(path, {"inputs": inputs})).json()["id"])


async def ended(caller: Caller, run_id: str) -> dict[str, Any]:
    async with asyncio.timeout(20):
        while True:
            shown: dict[str, Any] = (await caller.get(f"/runs/{run_id}")).json()
            if shown["status"] in ("completed", "failed", "cancelled"):
                return shown
            await asyncio.sleep(0.01)


async def again(caller: Caller, source: dict[str, Any], how: str, body: Any = None) -> Any:
    """Return the ended run that was made of another one."""
    started = await caller.post(f"/runs/{source['id']}/{how}", body)
    assert started.status_code == 202, started.text
    made = started.json()
    assert made["id"] != source["id"]
    assert started.headers["location"].endswith(made["id"])
    assert (made["source_run_id"], made["trigger"]) == (source["id"], "replay")
    return await ended(caller, made["id"])


def reused(shown: dict[str, Any]) -> list[str]:
    return [step["node_id"] for step in shown["steps"] if step["reused"]]


async def test_a_retry_goes_on_from_the_node_that_failed(admin: Caller, service: Service) -> None:
    service.down = {"two"}
    failed = await run(admin, calls(service, "one", "two", "three"), who="Ada")
    assert (failed["status"], failed["error"]["node_id"]) == ("failed", "two")
    service.down = set()
    retried = await again(admin, failed, "retry")
    assert (retried["status"], retried["output"]) == ("completed", "for Ada")
    assert service.asked == ["one", "two", "two", "three"]
    assert reused(retried) == ["start", "one"]
    before = {step["node_id"]: step for step in failed["steps"]}
    after = {step["node_id"]: step for step in retried["steps"]}
    assert after["one"]["finished_at"] == before["one"]["finished_at"]
    assert after["one"]["id"] != before["one"]["id"]


async def test_a_retry_repeats_only_the_turns_of_a_loop_that_failed(
    admin: Caller, service: Service
) -> None:
    service.down = {"2"}
    canvas = {
        "nodes": [
            node("start", "start"),
            node("loop", "loop", {"items": "[1, 2, 3]"}),
            node("call", "http", {"url": service.url("{{ item }}")}, parent_id="loop"),
            node("end", "end", {"output": "{{ nodes.loop.output | length }}"}),
        ],
        "edges": [edge("start", "loop"), edge("loop", "end")],
    }
    failed = await run(admin, canvas)
    service.down = set()
    retried = await again(admin, failed, "retry")
    assert (retried["status"], retried["output"]) == ("completed", 3)
    assert service.asked == ["1", "2", "2", "3"]
    assert reused(retried) == ["start", "call"]


async def test_a_failure_that_was_forgiven_is_not_tried_again(
    admin: Caller, service: Service
) -> None:
    service.down = {"2", "last"}
    canvas = {
        "nodes": [
            node("start", "start"),
            node("loop", "loop", {"items": "[1, 2, 3]", "on_item_error": "skip"}),
            node("call", "http", {"url": service.url("{{ item }}")}, parent_id="loop"),
            node("last", "http", {"url": service.url("last")}),
            node("end", "end", {"output": "{{ nodes.loop.output | length }}"}),
        ],
        "edges": [edge("start", "loop"), edge("loop", "last"), edge("last", "end")],
    }
    failed = await run(admin, canvas)
    service.down = set()
    retried = await again(admin, failed, "retry")
    assert (retried["status"], retried["output"]) == ("completed", 2)
    assert service.asked == ["1", "2", "3", "last", "last"]
    assert reused(retried) == ["start", "loop", "call", "call", "call"]


async def test_a_replay_of_a_loop_repeats_all_of_it(admin: Caller, service: Service) -> None:
    canvas = calls(service, "one")
    canvas["nodes"] += [
        node("loop", "loop", {"items": "[1, 2]"}),
        node("call", "http", {"url": service.url("{{ item }}")}, parent_id="loop"),
    ]
    canvas["edges"] = [edge("start", "one"), edge("one", "loop"), edge("loop", "text")]
    canvas["edges"].append(edge("text", "end"))
    first = await run(admin, canvas, who="Ada")
    second = await again(admin, first, "replay", {"from_node": "call"})
    assert service.asked == ["one", "1", "2", "1", "2"]
    assert reused(second) == ["start", "one"]


async def test_only_what_failed_or_was_cancelled_is_retried(
    admin: Caller, service: Service
) -> None:
    completed = await run(admin, calls(service, "one"), who="Ada")
    assert (await admin.post(f"/runs/{completed['id']}/retry")).status_code == 409
    assert (await admin.post(f"/runs/{completed['project_id']}/retry")).status_code == 404


async def test_a_cancelled_run_goes_on_in_a_new_one(admin: Caller, service: Service) -> None:
    canvas = calls(service, "one")
    canvas["nodes"].append(node("nap", "delay", {"seconds": 3600}))
    canvas["nodes"].append(node("ask", "approval", {"message": "?"}))
    canvas["edges"] = [
        edge("start", "one"),
        edge("one", "ask"),
        edge("ask", "text", "approved"),
        edge("ask", "nap", "rejected"),
        edge("text", "end"),
        edge("nap", "end"),
    ]
    flow = await admin.workflow(await admin.project(), canvas)
    started = await admin.post(f"/workflows/{flow['id']}/run", {"inputs": {"who": "Ada"}})
    await _asking(admin, started.json()["id"])
    await admin.post(f"/runs/{started.json()['id']}/cancel")
    made = await admin.post(f"/runs/{started.json()['id']}/retry")
    step_id = await _asking(admin, made.json()["id"])
    body = {"decision": "approve"}
    answered = await admin.post(f"/runs/{made.json()['id']}/approvals/{step_id}", body)
    assert answered.status_code == 200
    shown = await ended(admin, made.json()["id"])
    assert (shown["status"], shown["output"]) == ("completed", "for Ada")
    assert service.asked == ["one"]


async def _asking(caller: Caller, run_id: str) -> str:
    async with asyncio.timeout(10):
        while True:
            steps = (await caller.get(f"/runs/{run_id}")).json()["steps"]
            for step in steps:
                if step["status"] == "waiting":
                    return str(step["id"])
            await asyncio.sleep(0.01)


async def test_a_replay_does_everything_again(admin: Caller, service: Service) -> None:
    first = await run(admin, calls(service, "one"), who="Ada")
    second = await again(admin, first, "replay", {"inputs": {"who": "Bob"}})
    assert (second["inputs"], second["output"]) == ({"who": "Bob"}, "for Bob")
    assert service.asked == ["one", "one"]
    assert reused(second) == []
    third = await again(admin, second, "replay")
    assert third["output"] == "for Bob"


async def test_a_replay_from_a_node_does_what_comes_after_it(
    admin: Caller, service: Service
) -> None:
    first = await run(admin, calls(service, "one", "two", "three"), who="Ada")
    second = await again(admin, first, "replay", {"from_node": "two"})
    assert (second["status"], second["output"]) == ("completed", "for Ada")
    assert service.asked == ["one", "two", "three", "two", "three"]
    assert reused(second) == ["start", "one"]


async def test_with_other_inputs_what_is_computed_is_not_what_was_carried_over(
    admin: Caller, service: Service
) -> None:
    canvas = calls(service, "one")
    ids = ["start", "text", "one", "end"]
    canvas["edges"] = [edge(*pair) for pair in zip(ids, ids[1:], strict=False)]
    first = await run(admin, canvas, who="Ada")
    body = {"from_node": "one", "inputs": {"who": "Bob"}}
    second = await again(admin, first, "replay", body)
    assert (second["output"], reused(second)) == ("for Bob", [])
    third = await again(admin, second, "replay", {"from_node": "one"})
    assert (third["output"], reused(third)) == ("for Bob", ["start", "text"])


async def test_a_replay_may_take_another_version(admin: Caller, service: Service) -> None:
    canvas = calls(service, "one")
    first = await run(admin, canvas, who="Ada")
    canvas["nodes"][2]["config"]["template"] = "to {{ inputs.who }}"
    path = f"/workflows/{first['workflow_id']}"
    assert (await admin.put(path, {"canvas": canvas})).status_code == 200
    same = await again(admin, first, "replay", {})
    other = await again(admin, first, "replay", {"version": 2})
    assert (same["output"], same["version"]) == ("for Ada", 1)
    assert (other["output"], other["version"]) == ("to Ada", 2)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"from_node": "nowhere"}, "from_node"),
        ({"version": 7}, "version"),
        ({"version": 0}, "version"),
        ({"inputs": 5}, "inputs"),
        ({"more": 1}, "more"),
    ],
)
async def test_what_can_not_be_replayed_is_refused(
    admin: Caller, service: Service, body: dict[str, Any], field: str
) -> None:
    first = await run(admin, calls(service, "one"), who="Ada")
    refused = await admin.post(f"/runs/{first['id']}/replay", body)
    assert refused.status_code == 422
    assert [each["field"] for each in refused.json()["error"]["details"]["fields"]] == [field]
    assert (await admin.get("/runs")).json()["pagination"]["total"] == 1
