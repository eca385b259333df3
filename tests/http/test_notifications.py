"""Notifications over HTTP: each member's own, whatever the role."""

import asyncio
from typing import Any

import pytest

from orbiter.adapters.system.ids import new_id
from support.api import Api, Caller, edge, node

TELLING = {
    "nodes": [
        node("start", "start"),
        node(
            "tell",
            "notify",
            {"channel": {"type": "in_app"}, "subject": "No. {{ inputs.n }}", "message": "Done"},
        ),
        node("end", "end"),
    ],
    "edges": [edge("start", "tell"), edge("tell", "end")],
}
ASKING = {
    "nodes": [
        node("start", "start"),
        node("ask", "approval", {"message": "May {{ inputs.name }} pass?"}, label="The gate"),
        node("end", "end"),
    ],
    "edges": [edge("start", "ask"), edge("ask", "end", "approved")],
}


@pytest.fixture
async def admin(api: Api) -> Caller:
    return await api.admin()


async def run(caller: Caller, canvas: dict[str, Any], wait: int = 0, **inputs: Any) -> Any:
    """Return a run of the canvas."""
    flow = await caller.workflow(await caller.project(new_id()), canvas, name="Pass")
    path = f"/workflows/{flow['id']}/run" + (f"?wait={wait}" if wait else "")
    started = await caller.post(path, {"inputs": inputs})
    assert started.is_success, started.text
    return started.json()


async def told(admin: Caller, *numbers: int) -> None:
    """Let runs tell the workspace's members, one after the other."""
    for n in numbers:
        assert (await run(admin, TELLING, wait=10, n=n))["status"] == "completed"


async def listed(caller: Caller, query: str = "") -> list[dict[str, Any]]:
    """Return the caller's notifications."""
    answer = await caller.get(f"/notifications?limit=100{query}")
    assert answer.status_code == 200, answer.text
    page = answer.json()
    assert page["pagination"]["total"] == len(page["data"])
    found: list[dict[str, Any]] = page["data"]
    return found


async def asked(caller: Caller) -> dict[str, Any]:
    """Return the caller's first notification once it has come."""
    async with asyncio.timeout(10):
        while not (found := await listed(caller)):
            await asyncio.sleep(0.01)
    return found[0]


async def test_a_message_reaches_every_member_and_nobody_else(api: Api, admin: Caller) -> None:
    viewer, stranger = await api.member(admin, "viewer"), await api.admin()
    ran = await run(admin, TELLING, wait=10, n=1)
    assert ran["output"] == {"members": 2}
    (step_id,) = [
        step["id"]
        for step in (await admin.get(f"/runs/{ran['id']}")).json()["steps"]
        if step["node_id"] == "tell"
    ]
    for member in (admin, viewer):
        (shown,) = await listed(member)
        assert shown.pop("created_at").endswith("Z")
        assert shown.pop("id")[14] == "7"
        assert shown == {
            "kind": "notify",
            "title": "No. 1",
            "message": "Done",
            "run_id": ran["id"],
            "workflow_id": ran["workflow_id"],
            "step_id": step_id,
            "read": False,
        }
    assert await listed(stranger) == []


async def test_they_come_in_pages_newest_first(admin: Caller) -> None:
    await told(admin, 1, 2, 3)
    titles, cursor = [], ""
    while True:
        page = (await admin.get(f"/notifications?unread=true&limit=2{cursor}")).json()
        assert page["pagination"]["total"] == 3
        titles += [each["title"] for each in page["data"]]
        if not page["pagination"]["has_more"]:
            break
        cursor = f"&cursor={page['pagination']['next_cursor']}"
    assert titles == ["No. 3", "No. 2", "No. 1"]
    assert [each["title"] for each in await listed(admin, "&order=asc")] == titles[::-1]
    refused = await admin.get(f"/notifications?unread=false&limit=2{cursor}")
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "BAD_REQUEST")


async def test_a_cursor_is_its_members_alone(api: Api, admin: Caller) -> None:
    viewer = await api.member(admin, "viewer")
    await told(admin, 1, 2)
    page = (await admin.get("/notifications?limit=1")).json()
    cursor = page["pagination"]["next_cursor"]
    theirs = await viewer.get(f"/notifications?limit=1&cursor={cursor}")
    mine = {each["id"] for each in await listed(viewer)}
    assert {each["id"] for each in theirs.json()["data"]} <= mine


async def test_what_is_read_is_left_out_of_the_unread(admin: Caller) -> None:
    await told(admin, 1, 2)
    second, first = await listed(admin)
    marked = await admin.put(f"/notifications/{first['id']}", {"read": True})
    assert (marked.status_code, marked.json()) == (200, {**first, "read": True})
    assert await listed(admin, "&unread=true") == [second]
    assert await listed(admin, "&unread=false") == [marked.json()]
    unchanged = await admin.put(f"/notifications/{first['id']}", {})
    assert unchanged.json() == marked.json()
    await admin.put(f"/notifications/{first['id']}", {"read": False})
    assert await listed(admin, "&unread=true") == [second, first]


@pytest.mark.parametrize("query", ["unread=maybe", "unread=", "unread=2", "order=up", "limit=0"])
async def test_a_bad_parameter_is_a_bad_request(admin: Caller, query: str) -> None:
    refused = await admin.get(f"/notifications?{query}")
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "BAD_REQUEST")


async def test_reading_is_each_members_own_affair(api: Api, admin: Caller) -> None:
    viewer = await api.member(admin, "viewer")
    await told(admin, 1, 2)
    assert (await viewer.post("/notifications/read-all")).status_code == 204
    assert await listed(viewer, "&unread=true") == []
    assert len(await listed(viewer, "&unread=false")) == 2
    assert len(await listed(admin, "&unread=true")) == 2


@pytest.mark.parametrize("body", [{"read": True}, {"read": "yes"}, {"unknown": 1}])
async def test_what_is_not_the_callers_does_not_exist(
    api: Api, admin: Caller, body: dict[str, Any]
) -> None:
    colleague, stranger = await api.member(admin, "admin"), await api.admin()
    await told(admin, 1)
    (mine,) = await listed(admin)
    for caller in (colleague, stranger):
        refused = await caller.put(f"/notifications/{mine['id']}", body)
        assert (refused.status_code, refused.json()["error"]["code"]) == (404, "RESOURCE_NOT_FOUND")
    for unknown in (new_id(), "x", mine["id"].upper()):
        assert (await admin.put(f"/notifications/{unknown}", body)).status_code == 404
    assert await listed(admin) == [mine]


@pytest.mark.parametrize(
    ("body", "field", "type"),
    [
        ({"read": "yes"}, "read", "bool_type"),
        ({"read": None}, "read", "bool_type"),
        ({"title": "x"}, "title", "extra_forbidden"),
    ],
)
async def test_a_wrong_body_is_told_field_by_field(
    admin: Caller, body: dict[str, Any], field: str, type: str
) -> None:
    await told(admin, 1)
    (mine,) = await listed(admin)
    refused = await admin.put(f"/notifications/{mine['id']}", body)
    assert refused.status_code == 422
    (problem,) = refused.json()["error"]["details"]["fields"]
    assert (problem["field"], problem["type"]) == (field, type)


async def test_keys_need_the_scope_of_what_they_do(api: Api, admin: Caller) -> None:
    await told(admin, 1)
    (mine,) = await listed(admin)
    path, body = f"/notifications/{mine['id']}", {"read": True}
    keys = {}
    for scope in ("ci", "read", "write"):
        made = await admin.post("/api-keys", {"name": scope, "scopes": [scope]})
        keys[scope] = api.caller(made.json()["key"])
    assert [(await key.get("/notifications")).status_code for key in keys.values()] == [
        403,
        200,
        403,
    ]
    assert [(await key.put(path, body)).status_code for key in keys.values()] == [403, 403, 200]
    wrong = await keys["write"].put(path, {"read": 1})
    assert wrong.status_code == 422


async def test_an_approval_asks_those_who_may_answer(api: Api, admin: Caller) -> None:
    developer, viewer = await api.member(admin, "developer"), await api.member(admin, "viewer")
    started = await run(admin, ASKING, name="Ada")
    mine, theirs = await asked(admin), await asked(developer)
    assert (theirs["kind"], theirs["title"]) == ("approval", "Pass: The gate")
    assert (theirs["message"], theirs["run_id"]) == ("May Ada pass?", started["id"])
    assert (mine["step_id"], mine["id"] == theirs["id"]) == (theirs["step_id"], False)
    assert await listed(viewer) == []
    # Whoever is told may answer at once.
    path = f"/runs/{theirs['run_id']}/approvals/{theirs['step_id']}"
    answered = await developer.post(path, {"decision": "approve"})
    assert answered.status_code == 200, answered.text


async def test_what_was_answered_asks_nobody_any_more(api: Api, admin: Caller) -> None:
    developer = await api.member(admin, "developer")
    await run(admin, ASKING, name="Ada")
    theirs = await asked(developer)
    await told(admin, 1)
    path = f"/runs/{theirs['run_id']}/approvals/{theirs['step_id']}"
    assert (await developer.post(path, {"decision": "reject"})).status_code == 200
    for caller in (admin, developer):
        assert [each["kind"] for each in await listed(caller, "&unread=true")] == ["notify"]
        assert [each["kind"] for each in await listed(caller, "&unread=false")] == ["approval"]


async def test_they_go_with_their_run(admin: Caller) -> None:
    ran = await run(admin, TELLING, wait=10, n=1)
    await told(admin, 2)
    assert (await admin.delete(f"/runs/{ran['id']}")).status_code == 204
    assert [each["title"] for each in await listed(admin)] == ["No. 2"]


async def test_a_member_who_left_is_told_nothing_any_more(api: Api, admin: Caller) -> None:
    viewer = await api.member(admin, "viewer")
    await told(admin, 1)
    assert (await admin.delete(f"/members/{viewer.user['id']}")).status_code == 204
    assert (await run(admin, TELLING, wait=10, n=2))["output"] == {"members": 1}
    assert (await viewer.get("/notifications")).status_code == 401
