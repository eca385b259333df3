"""Schedules over HTTP."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from orbiter.adapters.memory.storage import MemoryStorage
from support.api import Api, Caller, running
from support.tenants import settle

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
FIELDS = {
    "id",
    "workflow_id",
    "name",
    "cron",
    "timezone",
    "inputs",
    "enabled",
    "next_run_at",
    "last_run_at",
    "last_error",
    "created_by",
    "created_at",
    "updated_at",
}


async def made(admin: Caller, **more: Any) -> dict[str, Any]:
    """Create a schedule of a new workflow."""
    workflow = await admin.workflow(await admin.project())
    body = {"workflow_id": workflow["id"], "cron": "0 9 * * *", **more}
    answer = await admin.post("/schedules", body)
    assert answer.status_code == 201, answer.text
    schedule: dict[str, Any] = answer.json()
    assert answer.headers["location"] == f"/api/v1/schedules/{schedule['id']}"
    return schedule


async def test_a_schedule_lives_from_post_to_delete(api: Api) -> None:
    admin = await api.admin()
    schedule = await made(admin, timezone="Europe/Berlin", name="Daily", inputs={"name": "Ada"})
    assert set(schedule) == FIELDS
    assert schedule["next_run_at"].endswith(":00:00.000Z")
    path = f"/schedules/{schedule['id']}"
    assert (await admin.get(path)).json() == schedule
    assert (await admin.get("/schedules")).json()["data"] == [schedule]
    changed = (await admin.put(path, {"enabled": False, "name": None})).json()
    assert changed == {
        **schedule,
        "enabled": False,
        "name": None,
        "next_run_at": None,
        "updated_at": changed["updated_at"],
    }
    gone = await admin.delete(path)
    assert (gone.status_code, gone.content) == (204, b"")
    assert (await admin.get(path)).status_code == 404


async def test_schedules_are_listed_by_workflow(api: Api) -> None:
    admin = await api.admin()
    first, second = await made(admin), await made(admin)
    found = await admin.get("/schedules", params={"workflow_id": first["workflow_id"]})
    assert [each["id"] for each in found.json()["data"]] == [first["id"]]
    both = (await admin.get("/schedules")).json()
    assert [each["id"] for each in both["data"]] == [second["id"], first["id"]]
    assert both["pagination"]["total"] == 2


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({"cron": "* * *"}, {"cron": "value_error"}),
        ({"cron": "0 9 * * *", "timezone": "Mars"}, {"timezone": "value_error"}),
        (
            {"cron": "x", "timezone": "x", "name": "", "enabled": 1},
            {
                "cron": "value_error",
                "timezone": "value_error",
                "name": "string_too_short",
                "enabled": "bool_type",
            },
        ),
        (
            {"cron": None, "next_run_at": None},
            {"cron": "string_type", "next_run_at": "extra_forbidden"},
        ),
    ],
)
async def test_every_wrong_field_is_told_at_once(
    api: Api, body: dict[str, Any], wrong: dict[str, str]
) -> None:
    admin = await api.admin()
    refused = await admin.post("/schedules", {"workflow_id": "nobody's", **body})
    assert refused.status_code == 422
    told = {each["field"]: each["type"] for each in refused.json()["error"]["details"]["fields"]}
    assert told == {"workflow_id": "value_error", **wrong}


async def test_a_refused_change_changes_nothing(api: Api) -> None:
    admin = await api.admin()
    schedule = await made(admin)
    path = f"/schedules/{schedule['id']}"
    assert (await admin.put(path, {"cron": "0 25 * * *", "enabled": False})).status_code == 422
    assert (await admin.get(path)).json() == schedule
    assert (await admin.put("/schedules/nobody", {"cron": "0 25 * * *"})).status_code == 404


async def test_another_workspace_can_do_nothing_with_it(api: Api) -> None:
    admin, stranger = await api.admin(), await api.admin()
    schedule = await made(admin)
    path = f"/schedules/{schedule['id']}"
    assert (await stranger.get(path)).status_code == 404
    assert (await stranger.put(path, {"enabled": False})).status_code == 404
    assert (await stranger.delete(path)).status_code == 404
    body = {"workflow_id": schedule["workflow_id"], "cron": "0 9 * * *"}
    assert (await stranger.post("/schedules", body)).status_code == 422
    assert (await stranger.get("/schedules")).json()["pagination"]["total"] == 0
    assert (await admin.get(path)).json() == schedule


async def test_a_key_that_may_not_run_is_refused_whatever_it_sends(api: Api) -> None:
    admin = await api.admin()
    schedule = await made(admin)
    body = {"name": "k", "scopes": ["read", "write"]}
    writer = api.caller((await admin.post("/api-keys", body)).json()["key"])
    for method, path in (
        ("POST", "/schedules"),
        ("PUT", f"/schedules/{schedule['id']}"),
        ("POST", "/hooks"),
    ):
        for sent in ({}, {"nonsense": 1}):
            assert (await writer.send(method, path, sent)).status_code == 403, path
    assert (await writer.delete(f"/schedules/{schedule['id']}")).status_code == 204


async def test_it_goes_with_its_workflow(api: Api) -> None:
    admin = await api.admin()
    schedule = await made(admin)
    await admin.delete(f"/workflows/{schedule['workflow_id']}")
    assert (await admin.get(f"/schedules/{schedule['id']}")).status_code == 404


@pytest.mark.parametrize("execute", [True, False])
async def test_a_server_that_starts_makes_up_for_a_tick(execute: bool) -> None:
    storage = MemoryStorage()
    tenant = await settle(storage)
    await tenant.stored(storage, "schedules", cron="0 0 1 1 *", next_run_at=LONG_AGO)
    async with running(storage=storage, execute=execute) as api, asyncio.timeout(20):
        core = api.container.core()
        while not (await tenant.listed(storage, "runs")).total:
            await asyncio.sleep(0)
        (run,) = (await tenant.listed(storage, "runs")).items
        assert (run.trigger, run.created_by) == ("schedule", tenant.user.id)
        await core.routines[0].stop()
        (kept,) = (await tenant.listed(storage, "schedules")).items
        assert kept.last_run_at is not None and kept.last_run_at < kept.next_run_at
