"""`GET /runs/:id/events`: what is streamed, from where on, and to whom."""

import asyncio
import json
from dataclasses import dataclass, field, replace
from typing import Any, cast

import httpx
from dependency_injector import providers

from orbiter.adapters.system.ids import new_id
from orbiter.application.run_events import RunEventHandlers
from orbiter.application.work import Work
from support.api import API, Api, Caller, edge, node
from support.clock import ManualClock

SLEEPY = {
    "nodes": [node("start", "start"), node("nap", "delay", {"seconds": 600}), node("end", "end")],
    "edges": [edge("start", "nap"), edge("nap", "end")],
}


def told(answer: httpx.Response) -> list[dict[str, Any]]:
    """Return the events of a stream that has ended."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    events = []
    for block in answer.text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines())
        if "data" in fields:
            data = json.loads(fields["data"])
            assert (int(fields["id"]), fields["event"]) == (data["sequence"], data["type"])
            events.append(data)
    return events


async def ended(caller: Caller, *, wait: int = 0) -> str:
    """Run a workflow to its end and return the run's id."""
    flow = await caller.workflow(await caller.project())
    path = f"/workflows/{flow['id']}/run"
    answer = await caller.post(f"{path}?wait={wait}" if wait else path, {"inputs": {"name": "Ada"}})
    run_id = str(answer.json()["id"])
    await caller.get(f"/runs/{run_id}/events")
    return run_id


async def test_a_run_is_told_from_its_start_to_its_end(api: Api) -> None:
    caller = await api.admin()
    run_id = await ended(caller)
    answer = await caller.get(f"/runs/{run_id}/events")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-accel-buffering"] == "no"
    events = told(answer)
    assert [event["sequence"] for event in events] == list(range(1, 9))
    assert [event["type"] for event in events] == [
        "run.started",
        *["step.started", "step.completed"] * 3,
        "run.completed",
    ]
    shown = (await caller.get(f"/runs/{run_id}")).json()
    assert [e["step"] for e in events if e["type"] == "step.completed"] == shown.pop("steps")
    del shown["step_count"]
    assert events[-1]["run"] == shown
    assert events[0]["run"]["status"] == "running"
    assert {e["run_id"] for e in events} == {run_id}


async def test_a_run_that_was_computed_at_once_is_told_alike_each_time(api: Api) -> None:
    caller = await api.admin()
    run_id = await ended(caller, wait=5)
    first, second = [told(await caller.get(f"/runs/{run_id}/events")) for _ in range(2)]
    assert first == second
    assert [event["sequence"] for event in first] == list(range(1, 9))
    assert first[-1]["run"]["output"] == "Hello Ada"


async def test_a_reader_goes_on_after_the_last_event_seen(api: Api) -> None:
    caller = await api.admin()
    for wait in (0, 5):
        path = f"/runs/{await ended(caller, wait=wait)}/events"
        whole = told(await caller.get(path))
        for seen in range(8):
            by_header = await caller.get(path, headers={"Last-Event-ID": str(seen)})
            by_query = await caller.get(f"{path}?last_event_id={seen}")
            assert told(by_header) == told(by_query) == whole[seen:]
        for seen in (8, 9, 10**12):
            assert (await caller.get(f"{path}?last_event_id={seen}")).status_code == 204


async def test_the_header_counts_where_the_query_says_otherwise(api: Api) -> None:
    caller = await api.admin()
    path = f"/runs/{await ended(caller)}/events?last_event_id=1"
    answer = await caller.get(path, headers={"Last-Event-ID": "6"})
    assert [event["sequence"] for event in told(answer)] == [7, 8]


async def test_what_is_no_id_of_an_event_is_refused(api: Api) -> None:
    caller = await api.admin()
    run_id = await ended(caller)
    for wrong in ("x", "-1", "1.5", "9" * 30):
        answer = await caller.get(f"/runs/{run_id}/events", headers={"Last-Event-ID": wrong})
        assert answer.json()["error"]["code"] == "BAD_REQUEST"


async def test_strangers_find_nothing_to_watch(api: Api) -> None:
    run_id = await ended(await api.admin())
    stranger = await api.admin()
    for path in (f"/runs/{run_id}/events", "/runs/nothing/events"):
        assert (await stranger.get(path)).status_code == 404
    assert (await api.caller().get(f"/runs/{run_id}/events")).status_code == 401


async def test_a_viewer_may_watch(api: Api) -> None:
    admin = await api.admin()
    viewer = await api.member(admin, "viewer")
    assert len(told(await viewer.get(f"/runs/{await ended(admin)}/events"))) == 8


async def test_a_cancelled_run_is_told_to_its_end(api: Api) -> None:
    caller = await api.admin()
    flow = await caller.workflow(await caller.project(), SLEEPY)
    run_id = (await caller.post(f"/workflows/{flow['id']}/run", {})).json()["id"]
    await caller.post(f"/runs/{run_id}/cancel")
    events = told(await caller.get(f"/runs/{run_id}/events"))
    assert events[-1]["type"] == "run.cancelled"
    assert [event["sequence"] for event in events] == list(range(1, len(events) + 1))


async def test_large_values_are_told_of_and_not_sent(api: Api) -> None:
    caller = await api.admin()
    flow = await caller.workflow(await caller.project())
    started = await caller.post(f"/workflows/{flow['id']}/run", {"inputs": {"name": "A" * 20_000}})
    events = told(await caller.get(f"/runs/{started.json()['id']}/events"))
    assert events[-1]["run"]["output"] == {"omitted": "larger than 16 KiB"}
    assert events[-1]["run"]["inputs"] == {"omitted": "larger than 16 KiB"}


class TestConnections:
    """A reader's connection, message by message."""

    async def test_a_reader_that_hangs_up_is_let_go(self, api: Api) -> None:
        reader = await self.reader(api)
        watching = asyncio.ensure_future(reader.watch(api.container.app()))
        async with asyncio.timeout(10):
            await reader.heard.wait()
            assert not watching.done()
            reader.gone.set()
            await watching
        assert reader.told.startswith(b"retry: 1000\n\nid: 1\nevent: run.started\n")

    async def test_silence_is_a_comment(self, api: Api) -> None:
        reader = await self.reader(api)
        core = api.container.core()
        hasty = Work(api.container.storage(), ManualClock(), new_id)
        events = RunEventHandlers(hasty, api.container.feed())
        with api.container.core.override(providers.Object(replace(core, run_events=events))):
            cast(Any, api.container.app).reset()
            watching = asyncio.ensure_future(reader.watch(api.container.app()))
            async with asyncio.timeout(10):
                while b": heartbeat\n\n" not in reader.told:
                    await asyncio.sleep(0)
                reader.gone.set()
                await watching

    async def reader(self, api: Api) -> "Reader":
        """Return who is about to watch a run that takes long."""
        admin = await api.admin()
        made = await admin.post("/api-keys", {"name": "watcher", "scopes": ["read"]})
        flow = await admin.workflow(await admin.project(), SLEEPY)
        run = (await admin.post(f"/workflows/{flow['id']}/run", {})).json()
        return Reader(path=f"{API}/runs/{run['id']}/events", key=made.json()["key"])


@dataclass
class Reader:
    """A client that speaks with the application itself."""

    path: str
    key: str
    told: bytes = b""
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    heard: asyncio.Event = field(default_factory=asyncio.Event)

    async def watch(self, app: Any) -> None:
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": self.path,
            "raw_path": self.path.encode(),
            "root_path": "",
            "query_string": b"",
            "headers": [(b"host", b"127.0.0.1"), (b"x-api-key", self.key.encode())],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 8000),
            "state": {},
        }
        await app(scope, self.receive, self.send)

    async def receive(self) -> dict[str, Any]:
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: dict[str, Any]) -> None:
        self.told += message.get("body", b"")
        if b"run.started" in self.told:
            self.heard.set()


class TestStarting:
    """`Accept: text/event-stream` on the start of a run."""

    async def test_the_events_of_the_run_are_the_answer(self, api: Api) -> None:
        caller = await api.admin()
        flow = await caller.workflow(await caller.project())
        answer = await self.start(caller, flow["id"])
        events = told(answer)
        assert events[-1]["run"]["output"] == "Hello Ada"
        run_id = events[0]["run_id"]
        assert answer.headers["location"] == f"/api/v1/runs/{run_id}"
        assert told(await caller.get(f"/runs/{run_id}/events")) == events

    async def test_a_key_that_may_only_run_sees_what_it_started(self, api: Api) -> None:
        admin = await api.admin()
        flow = await admin.workflow(await admin.project())
        made = await admin.post("/api-keys", {"name": "runner", "scopes": ["run"]})
        runner = api.caller(key=made.json()["key"])
        answer = await self.start(runner, flow["id"])
        events = told(answer)
        assert events[-1]["type"] == "run.completed"
        assert (await runner.get(f"/runs/{events[0]['run_id']}/events")).status_code == 403

    async def test_the_same_request_again_leads_to_the_same_run(self, api: Api) -> None:
        caller = await api.admin()
        flow = await caller.workflow(await caller.project())
        first = await self.start(caller, flow["id"], **{"Idempotency-Key": "one"})
        again = await self.start(caller, flow["id"], **{"Idempotency-Key": "one"})
        assert again.status_code == 303
        assert again.headers["location"] == f"{first.headers['location']}/events"
        assert told(await caller.get(again.headers["location"].removeprefix("/api/v1"))) == told(
            first
        )
        assert (await caller.get("/runs")).json()["pagination"]["total"] == 1

    async def test_what_is_wrong_is_refused_as_ever(self, api: Api) -> None:
        caller = await api.admin()
        assert (await self.start(caller, "nothing")).json()["error"]["code"] == "RESOURCE_NOT_FOUND"

    async def start(self, caller: Caller, workflow_id: str, **headers: str) -> httpx.Response:
        return await caller.post(
            f"/workflows/{workflow_id}/run",
            {"inputs": {"name": "Ada"}},
            headers={"Accept": "text/event-stream", **headers},
        )
