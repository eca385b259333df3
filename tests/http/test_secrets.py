"""Secrets over HTTP: values go in and never come out."""

from typing import Any

import structlog

from support.api import Api, Caller

FIELDS = {"id", "name", "project_id", "created_by", "created_at", "updated_at"}
VALUE = "correct-horse-battery-staple"


async def made(admin: Caller, **more: Any) -> dict[str, Any]:
    """Create a secret."""
    answer = await admin.post("/secrets", {"name": "TOKEN", "value": VALUE, **more})
    assert answer.status_code == 201, answer.text
    secret: dict[str, Any] = answer.json()
    assert answer.headers["location"] == f"/api/v1/secrets/{secret['id']}"
    return secret


async def test_a_secret_lives_from_post_to_delete(api: Api) -> None:
    admin = await api.admin()
    secret = await made(admin)
    path = f"/secrets/{secret['id']}"
    assert (set(secret), secret["project_id"]) == (FIELDS, None)
    assert (await admin.get(path)).json() == secret
    assert (await admin.get("/secrets")).json()["data"] == [secret]
    renamed = (await admin.put(path, {"name": "KEY"})).json()
    assert (renamed["name"], renamed["id"]) == ("KEY", secret["id"])
    assert (await admin.put(path, {"value": "another value"})).json()["name"] == "KEY"
    gone = await admin.delete(path)
    assert (gone.status_code, gone.content) == (204, b"")
    assert (await admin.get(path)).status_code == 404


async def test_no_answer_and_no_log_shows_a_value(api: Api) -> None:
    admin = await api.admin()
    answers = []
    with structlog.testing.capture_logs() as lines:
        key = {"Idempotency-Key": "once"}
        body = {"name": "TOKEN", "value": VALUE}
        for _ in range(2):
            answers.append(await admin.post("/secrets", body, headers=key))
        path = f"/secrets/{answers[0].json()['id']}"
        answers += [
            await admin.post("/secrets", body),
            await admin.post("/secrets", {"name": "no", "value": VALUE, "x": 1}),
            await admin.post("/secrets", {"name": "TOO_LONG", "value": VALUE * 1000}),
            await admin.put(path, body),
            await admin.put(path, {"value": [VALUE]}),
            await admin.get(path),
            await admin.get("/audit-log"),
        ]
    statuses = [answer.status_code for answer in answers]
    assert statuses == [201, 201, 409, 422, 422, 200, 422, 200, 200]
    assert not [answer.text for answer in answers if VALUE in answer.text]
    assert VALUE not in str(lines)


async def test_every_wrong_field_is_told_at_once(api: Api) -> None:
    admin = await api.admin()
    body = {"name": "token", "value": "abc", "project_id": "x"}
    for more in ({}, {"id": "x"}):
        refused = await admin.post("/secrets", {**body, **more})
        fields = refused.json()["error"]["details"]["fields"]
        assert {each["field"]: each["type"] for each in fields} == {
            "name": "string_pattern_mismatch",
            "value": "string_too_short",
            "project_id": "value_error",
            **dict.fromkeys(more, "extra_forbidden"),
        }
    told = {each["field"]: each["message"] for each in fields}
    assert "would be hidden wherever its letters stand" in told["value"]


async def test_null_is_no_value_and_no_name(api: Api) -> None:
    admin = await api.admin()
    path = f"/secrets/{(await made(admin))['id']}"
    for body in ({"value": None}, {"name": None}, {"project_id": None}):
        assert (await admin.put(path, body)).status_code == 422


async def test_a_projects_secrets_count_among_its_dependents_and_go_with_it(api: Api) -> None:
    admin = await api.admin()
    project = await admin.project()
    own, wide = await made(admin, project_id=project), await made(admin)
    listed = await admin.get("/secrets", params={"project_id": project})
    assert listed.json()["data"] == [own]
    refused = await admin.delete(f"/projects/{project}")
    assert refused.json()["error"]["details"] == {"dependents": {"secrets": 1}}
    assert (await admin.delete(f"/projects/{project}?cascade=true")).status_code == 204
    assert (await admin.get("/secrets")).json()["data"] == [wide]


async def test_another_workspace_can_do_nothing_with_it(api: Api) -> None:
    admin, stranger = await api.admin(), await api.admin()
    path = f"/secrets/{(await made(admin))['id']}"
    for answer in (
        await stranger.get(path),
        await stranger.put(path, {"value": "mine, now"}),
        await stranger.put(path, {"name": "not a name"}),
        await stranger.delete(path),
    ):
        assert answer.status_code == 404
    foreign = {"name": "MINE", "value": VALUE, "project_id": await admin.project()}
    assert (await stranger.post("/secrets", foreign)).status_code == 422
    assert (await stranger.get("/secrets")).json()["pagination"]["total"] == 0
    await made(stranger)


async def test_a_viewer_reads_names(api: Api) -> None:
    admin = await api.admin()
    viewer = await api.member(admin, "viewer")
    secret = await made(admin)
    assert (await viewer.get("/secrets")).json()["data"] == [secret]
    assert (await viewer.post("/secrets", {"name": "A", "value": VALUE})).status_code == 403
    assert (await viewer.delete(f"/secrets/{secret['id']}")).status_code == 403
