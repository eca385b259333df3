"""`/conversations`: begun, listed, renamed, rated, deleted; by whom."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from orbiter.adapters.system.ids import new_id
from support.api import API, Api, Caller, running
from support.speaker import Speaker


@pytest.fixture
async def admin(api: Api) -> Caller:
    return await api.admin()


async def an_agent(caller: Caller) -> str:
    agent = await caller.agent(await caller.project(), model="echo:echo")
    return str(agent["id"])


async def answered(caller: Caller) -> tuple[str, dict[str, Any]]:
    """Return the id of a conversation and an answer in it."""
    conversation_id = await caller.conversation(await an_agent(caller))
    answer = await caller.post(f"/conversations/{conversation_id}/messages", {"content": "Hello"})
    assert answer.status_code == 201, answer.text
    return conversation_id, answer.json()


def wrong(answer: httpx.Response) -> dict[str, str]:
    """Return the wrong fields of a refused body."""
    assert answer.status_code == 422, answer.text
    fields = answer.json()["error"]["details"]["fields"]
    return {each["field"]: each["type"] for each in fields}


async def test_a_conversation_is_begun_with_nothing_said(admin: Caller) -> None:
    agent_id = await an_agent(admin)
    made = await admin.post("/conversations", {"agent_id": agent_id, "title": "Orders"})
    shown = made.json()
    assert made.headers["location"] == f"{API}/conversations/{shown['id']}"
    assert (await admin.get(f"/conversations/{shown['id']}")).json() == shown
    assert shown.keys() == {
        "id",
        "agent_id",
        "deployment_id",
        "title",
        "message_count",
        "created_at",
        "updated_at",
    }
    assert (shown["agent_id"], shown["title"], shown["message_count"]) == (agent_id, "Orders", 0)
    messages = (await admin.get(f"/conversations/{shown['id']}/messages")).json()
    assert (messages["data"], messages["pagination"]["total"]) == ([], 0)


async def test_the_agent_must_be_the_callers(api: Api, admin: Caller) -> None:
    theirs = await an_agent(await api.admin())
    for agent_id in (theirs, new_id(), "nothing"):
        answer = await admin.post("/conversations", {"agent_id": agent_id})
        assert wrong(answer) == {"agent_id": "value_error"}
    answer = await admin.post("/conversations", {"agent_id": theirs, "title": ""})
    assert wrong(answer) == {"agent_id": "value_error", "title": "string_too_short"}
    answer = await admin.post("/conversations", {"deployment_id": new_id()})
    assert wrong(answer) == {"agent_id": "missing", "deployment_id": "extra_forbidden"}
    assert (await admin.get("/conversations")).json()["data"] == []


async def test_they_are_listed_newest_first_and_by_agent(admin: Caller) -> None:
    first, second = await an_agent(admin), await an_agent(admin)
    made = [await admin.conversation(agent_id) for agent_id in (first, second, first)]

    async def listed(query: str = "") -> list[str]:
        return [each["id"] for each in (await admin.get(f"/conversations{query}")).json()["data"]]

    assert await listed() == made[::-1]
    assert await listed(f"?agent_id={first}") == [made[2], made[0]]
    assert await listed(f"?deployment_id={new_id()}") == []
    assert await listed("?order=asc&limit=2") == made[:2]


async def test_a_conversation_is_renamed(admin: Caller) -> None:
    conversation_id, _ = await answered(admin)
    path = f"/conversations/{conversation_id}"
    for sent, title in (({}, "Hello"), ({"title": "Orders"}, "Orders"), ({"title": None}, None)):
        answer = await admin.put(path, sent)
        assert (answer.status_code, answer.json()["title"]) == (200, title)
    assert wrong(await admin.put(path, {"title": "x" * 256})) == {"title": "string_too_long"}
    assert wrong(await admin.put(path, {"message_count": 7})) == {
        "message_count": "extra_forbidden"
    }


async def test_what_is_deleted_is_gone_and_its_runs_stay(admin: Caller) -> None:
    conversation_id, answer = await answered(admin)
    assert (await admin.delete(f"/conversations/{conversation_id}")).status_code == 204
    for path in ("", "/messages"):
        gone = await admin.get(f"/conversations/{conversation_id}{path}")
        assert gone.status_code == 404
    assert (await admin.get(f"/runs/{answer['run_id']}")).json()["status"] == "completed"


async def test_it_goes_with_its_agent_and_is_counted_in_its_project(admin: Caller) -> None:
    conversation_id, _ = await answered(admin)
    agent_id = (await admin.get(f"/conversations/{conversation_id}")).json()["agent_id"]
    project_id = (await admin.get(f"/agents/{agent_id}")).json()["project_id"]
    refused = await admin.delete(f"/projects/{project_id}")
    assert refused.json()["error"]["details"]["dependents"]["conversations"] == 1
    assert (await admin.delete(f"/agents/{agent_id}")).status_code == 204
    assert (await admin.get(f"/conversations/{conversation_id}")).status_code == 404


class TestFeedback:
    """What one thinks of an answer."""

    async def test_it_is_kept_with_the_answer_and_taken_back(self, admin: Caller) -> None:
        conversation_id, answer = await answered(admin)
        path = f"/conversations/{conversation_id}/messages"
        for sent, shown in (
            ({"rating": "up"}, {"rating": "up", "comment": None}),
            ({"rating": "up", "comment": "ok"}, {"rating": "up", "comment": "ok"}),
            ({"rating": "down"}, {"rating": "down", "comment": "ok"}),
            ({"rating": None}, None),
        ):
            rated = await admin.put(f"{path}/{answer['id']}/feedback", sent)
            assert rated.status_code == 200, rated.text
            assert rated.json() == {**answer, "feedback": shown}
            assert (await admin.get(path)).json()["data"][1] == rated.json()

    async def test_what_is_no_feedback_is_refused(self, admin: Caller) -> None:
        conversation_id, answer = await answered(admin)
        messages = f"/conversations/{conversation_id}/messages"
        path = f"{messages}/{answer['id']}/feedback"
        assert wrong(await admin.put(path, {})) == {"rating": "missing"}
        assert wrong(await admin.put(path, {"rating": "meh"})) == {"rating": "enum"}
        assert wrong(await admin.put(path, {"rating": "up", "comment": "x" * 5001})) == {
            "comment": "string_too_long"
        }
        asked = (await admin.get(messages)).json()["data"][0]
        refused = await admin.put(f"{messages}/{asked['id']}/feedback", {"rating": "up"})
        assert refused.status_code == 409

    async def test_it_belongs_to_a_message_of_that_conversation(self, admin: Caller) -> None:
        (_, answer), (other_id, _) = await answered(admin), await answered(admin)
        for place, message in ((other_id, answer["id"]), (other_id, "x"), ("x", answer["id"])):
            path = f"/conversations/{place}/messages/{message}/feedback"
            assert (await admin.put(path, {"rating": "up"})).status_code == 404


class TestAccess:
    """Who may do what."""

    async def test_a_viewer_reads_and_a_developer_speaks(self, api: Api, admin: Caller) -> None:
        conversation_id, answer = await answered(admin)
        path = f"/conversations/{conversation_id}"
        feedback = f"{path}/messages/{answer['id']}/feedback"
        viewer = await api.member(admin, "viewer")
        for each in ("/conversations", path, f"{path}/messages"):
            assert (await viewer.get(each)).status_code == 200
        refused = [
            await viewer.post("/conversations", {"agent_id": new_id()}),
            await viewer.post(f"{path}/messages", {"content": "Hello"}),
            await viewer.put(path, {"title": "x"}),
            await viewer.put(feedback, {"rating": "up"}),
            await viewer.delete(path),
        ]
        assert {each.status_code for each in refused} == {403}
        developer = await api.member(admin, "developer")
        assert (await developer.post(f"{path}/messages", {"content": "Hi"})).status_code == 201
        assert (await developer.put(feedback, {"rating": "up"})).status_code == 200
        assert (await developer.delete(path)).status_code == 204

    async def test_strangers_find_nothing(self, api: Api, admin: Caller) -> None:
        conversation_id, answer = await answered(admin)
        path, stranger = f"/conversations/{conversation_id}", await api.admin()
        feedback = f"{path}/messages/{answer['id']}/feedback"
        for answered_ in (
            await stranger.get(path),
            await stranger.get(f"{path}/messages"),
            await stranger.put(path, {"title": ""}),
            await stranger.post(f"{path}/messages", {"content": ""}),
            await stranger.put(feedback, {"rating": "meh"}),
            await stranger.delete(path),
        ):
            assert answered_.status_code == 404
        assert (await stranger.get("/conversations")).json()["data"] == []
        agent_id = (await admin.get(path)).json()["agent_id"]
        assert (await stranger.get(f"/conversations?agent_id={agent_id}")).json()["data"] == []

    async def test_what_keys_may_do_follows_their_scopes(self, api: Api, admin: Caller) -> None:
        conversation_id, _ = await answered(admin)
        path = f"/conversations/{conversation_id}/messages"
        statuses = {}
        for scope in ("read", "write", "run", "ci"):
            made = await admin.post("/api-keys", {"name": scope, "scopes": [scope]})
            caller = api.caller(key=made.json()["key"])
            spoken = await caller.post(path, {"content": "Hello"})
            statuses[scope] = ((await caller.get(path)).status_code, spoken.status_code)
        assert statuses == {
            "read": (200, 403),
            "write": (403, 403),
            "run": (403, 201),
            "ci": (403, 403),
        }


class TestHangingUp:
    """A client that goes away in the middle of an answer."""

    @pytest.fixture
    async def speaker(self) -> Speaker:
        return Speaker()

    @pytest.fixture
    async def spoken(self, speaker: Speaker) -> AsyncIterator[Api]:
        async with running(gateway=speaker) as api:
            yield api

    @pytest.mark.parametrize("accepts", ["text/event-stream", "application/json"])
    async def test_the_answer_is_finished_and_kept(
        self, spoken: Api, speaker: Speaker, accepts: str
    ) -> None:
        admin = await spoken.admin()
        made = await admin.post("/api-keys", {"name": "chat", "scopes": ["run"]})
        path = f"/conversations/{await admin.conversation(await an_agent(admin))}/messages"
        client = Client(path=f"{API}{path}", key=made.json()["key"], accepts=accepts)
        talking = asyncio.ensure_future(client.post(spoken.container.app(), b'{"content": "Hi"}'))
        async with asyncio.timeout(10):
            await speaker.calling.wait()
            speaker.say("Good ")
            while accepts == "text/event-stream" and b'"Good "' not in client.told:
                await asyncio.sleep(0)
            client.gone.set()
            if accepts == "text/event-stream":
                await talking
            assert b"message.completed" not in client.told
            speaker.say("morning")
            speaker.stop()
            while (await admin.get(path)).json()["pagination"]["total"] < 2:
                await asyncio.sleep(0)
            await talking
        answer = (await admin.get(path)).json()["data"][1]
        assert (answer["role"], answer["content"]) == ("assistant", "Good morning")
        speaker.stop()
        assert (await admin.post(path, {"content": "And now?"})).status_code == 201


@dataclass
class Client:
    """A client that speaks with the application itself, and hangs up when it is *gone*."""

    path: str
    key: str
    accepts: str
    told: bytes = b""
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    unsent: list[bytes] = field(default_factory=list)

    async def post(self, app: Any, body: bytes) -> None:
        self.unsent = [body]
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http",
            "path": self.path,
            "raw_path": self.path.encode(),
            "root_path": "",
            "query_string": b"",
            "headers": [
                (b"host", b"127.0.0.1"),
                (b"content-type", b"application/json"),
                (b"content-length", str(len(body)).encode()),
                (b"accept", self.accepts.encode()),
                (b"x-api-key", self.key.encode()),
            ],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 8000),
            "state": {},
        }
        await app(scope, self.receive, self.send)

    async def receive(self) -> dict[str, Any]:
        if self.unsent:
            return {"type": "http.request", "body": self.unsent.pop(), "more_body": False}
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: dict[str, Any]) -> None:
        self.told += message.get("body", b"")
