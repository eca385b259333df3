"""Real servers that tell what happens in runs, over real sockets."""

import json
import signal
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import httpx

from support.api import API, Caller, edge, node
from support.commands import Server, serving

NAP = {
    "nodes": [node("start", "start"), node("nap", "delay", {"seconds": 1}), node("end", "end")],
    "edges": [edge("start", "nap"), edge("nap", "end")],
}
LONG_NAP = {
    "nodes": [node("start", "start"), node("nap", "delay", {"seconds": 600}), node("end", "end")],
    "edges": NAP["edges"],
}
MANY = {
    "nodes": [
        node("start", "start"),
        node("each", "loop", {"items": "inputs.names", "max_iterations": 1000}),
        node("say", "template", {"template": "{{ item }}" * 20}, parent_id="each"),
        node("end", "end"),
    ],
    "edges": [edge("start", "each"), edge("each", "end")],
}
ITEMS = 400
# Its start, two for each of the three nodes, its end.
WHOLE = list(range(1, 9))


@asynccontextmanager
async def calling(server: Server) -> AsyncIterator[Caller]:
    address = f"http://127.0.0.1:{server.port}"
    async with httpx.AsyncClient(base_url=address, timeout=30) as client:
        yield Caller(client)


async def begun(caller: Caller, canvas: Any, **inputs: Any) -> str:
    """Start a run and return its id."""
    flow = await caller.workflow(await caller.project(), canvas)
    started = await caller.post(f"/workflows/{flow['id']}/run", {"inputs": inputs})
    assert started.status_code == 202, started.text
    return str(started.json()["id"])


async def events(
    caller: Caller, run_id: str, *, after: int = 0
) -> AsyncIterator[tuple[dict[str, Any], float]]:
    """Yield each event of a run, with the id that it was sent under, and when it came."""
    headers = {"Last-Event-ID": str(after)} if after else {}
    path = f"{API}/runs/{run_id}/events"
    async with caller.client.stream("GET", path, headers=headers) as answer:
        assert answer.status_code == 200
        id = None
        async for line in answer.aiter_lines():
            if line.startswith("id: "):
                id = line.removeprefix("id: ")
            if line.startswith("data: "):
                yield {**json.loads(line.removeprefix("data: ")), "id": id}, time.monotonic()
                id = None


async def read(caller: Caller, run_id: str, *, after: int = 0, until: int = 10**9) -> list[Any]:
    """Return the events up to the sequence *until*, then hang up."""
    read = []
    async for event, _ in events(caller, run_id, after=after):
        read.append(event)
        if event["sequence"] >= until:
            break
    return read


async def test_events_come_as_they_happen_and_a_reader_resumes(tmp_path: Path) -> None:
    with serving(tmp_path / "data") as server:
        async with calling(server) as caller:
            await caller.sign_up("ada@example.org")
            run_id = await begun(caller, NAP)
            came = {}
            async for event, moment in events(caller, run_id):
                came[event["sequence"]] = (event, moment)
            assert list(came) == WHOLE
            (nap, napping), (_, woken) = came[4], came[5]
            assert (nap["type"], nap["step"]["node_id"]) == ("step.started", "nap")
            assert woken - napping > 0.5
            run_id = await begun(caller, NAP)
            first = await read(caller, run_id, until=4)
            rest = await read(caller, run_id, after=4)
            assert [event["sequence"] for event in (*first, *rest)] == WHOLE


async def test_what_one_process_executes_another_tells(postgresql_url: str, tmp_path: Path) -> None:
    shared = {"DATABASE_URL": postgresql_url, "SECRET_KEY": "k" * 48}
    with (
        serving(tmp_path / "a", **shared) as _,
        serving(tmp_path / "b", EXECUTE="off", **shared) as teller,
    ):
        async with calling(teller) as caller:
            await caller.sign_up("ada@example.org")
            run_id = await begun(caller, NAP)
            came = [(event["sequence"], moment) async for event, moment in events(caller, run_id)]
            assert [sequence for sequence, _ in came] == WHOLE
            assert came[4][1] - came[3][1] > 0.5
            flow = (await caller.get("/workflows")).json()["data"][0]
            began = time.monotonic()
            ended = await caller.post(f"/workflows/{flow['id']}/run?wait=20", {})
            assert ended.json()["status"] == "completed"
            assert time.monotonic() - began < 4.5


async def test_what_a_model_says_in_one_process_is_heard_in_another(
    postgresql_url: str, tmp_path: Path
) -> None:
    shared = {"DATABASE_URL": postgresql_url, "SECRET_KEY": "k" * 48}
    said = {"script": [{"text": "a long answer, in several pieces", "delay_ms": 1000}]}
    with (
        serving(tmp_path / "a", **shared) as _,
        serving(tmp_path / "b", EXECUTE="off", **shared) as teller,
    ):
        async with calling(teller) as caller:
            await caller.sign_up("ada@example.org")
            agent = await caller.agent(await caller.project(), model="echo:script")
            run = (await caller.post(f"/agents/{agent['id']}/run", {"input": said})).json()
            came = [event async for event, _ in events(caller, run["id"])]
    told = [event for event in came if event["type"] == "step.delta"]
    assert "".join(event["delta"] for event in told) == said["script"][0]["text"]
    assert {event["id"] for event in told} == {None}, "where to resume is no piece's to say"
    kept = [event for event in came if event["type"] != "step.delta"]
    assert [event["sequence"] for event in kept] == list(range(1, len(kept) + 1))
    assert [event["id"] for event in kept] == [str(event["sequence"]) for event in kept]
    ended = [event["step"] for event in kept if event["type"] == "step.completed"]
    (model,) = [step for step in ended if step["kind"] == "model"]
    assert model["output"]["text"] == said["script"][0]["text"]
    assert {event["step"]["id"] for event in told} == {model["id"]}


async def test_a_server_that_stops_lets_its_readers_go(tmp_path: Path) -> None:
    with serving(tmp_path / "data", SHUTDOWN_SECONDS=30) as server:
        async with calling(server) as caller:
            await caller.sign_up("ada@example.org")
            run_id = await begun(caller, LONG_NAP)
            reading = events(caller, run_id)
            await anext(reading)
            server.process.send_signal(signal.SIGTERM)
            began = time.monotonic()
            rest = [event async for event, _ in reading]
            assert [event for event in rest if event["type"].startswith("run.completed")] == []
        assert server.process.wait(20) == 0
        assert time.monotonic() - began < 10


async def test_a_reader_that_stops_reading_holds_nobody_up(tmp_path: Path) -> None:
    with serving(tmp_path / "data") as server:
        async with calling(server) as caller:
            await caller.sign_up("ada@example.org")
            run_id = await begun(caller, MANY, names=["x" * 400] * ITEMS)
            cookies = "; ".join(f"{name}={value}" for name, value in caller.client.cookies.items())
            with stuck(server.port, run_id, cookies) as connection:
                whole = await read(caller, run_id)
                assert len(whole) == 2 * ITEMS + 8
                assert [event["sequence"] for event in whole] == list(range(1, len(whole) + 1))
                assert (await caller.get(f"/runs/{run_id}")).json()["status"] == "completed"
                # It may read on whenever it likes.
                assert everything(connection).count(b"\ndata: ") == len(whole)


@contextmanager
def stuck(port: int, run_id: str, cookies: str) -> Iterator[socket.socket]:
    """Give a connection that has asked for a run's events and reads none."""
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(20)
        connection.connect(("127.0.0.1", port))
        connection.sendall(
            f"GET {API}/runs/{run_id}/events HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            f"Cookie: {cookies}\r\nConnection: close\r\n\r\n".encode()
        )
        yield connection


def everything(connection: socket.socket) -> bytes:
    read = b""
    while part := connection.recv(65536):
        read += part
    return read
