"""Registering, signing in and out, the own account, over HTTP."""

import pytest

from support.api import PASSWORD, Api, running

FIELDS = {"id", "email", "name", "role", "workspace_id", "created_at"}


async def test_registering_makes_an_admin_of_a_new_workspace_and_no_session(api: Api) -> None:
    caller = api.caller()
    body = {"email": "Ada@Example.org", "password": PASSWORD, "name": "Ada"}
    made = await caller.post("/auth/register", body)
    assert (made.status_code, set(made.json())) == (201, FIELDS)
    assert (made.json()["role"], made.json()["name"]) == ("admin", "Ada")
    assert "set-cookie" not in made.headers
    assert (await caller.get("/auth/me")).status_code == 401


async def test_a_known_email_is_a_conflict_in_any_case(api: Api) -> None:
    await api.caller().sign_up("ada@example.org")
    body = {"email": "ADA@example.ORG", "password": PASSWORD}
    refused = await api.caller().post("/auth/register", body)
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "CONFLICT")


async def test_signing_in_sets_the_cookie_as_documented(api: Api) -> None:
    await api.caller().sign_up("ada@example.org")
    body = {"email": "ADA@example.org", "password": PASSWORD}
    answer = await api.caller().post("/auth/login", body)
    assert (answer.status_code, set(answer.json())) == (200, FIELDS)
    name, *attributes = answer.headers["set-cookie"].split("; ")
    assert name.startswith("orbiter_session=") and len(name) > 40
    assert {each.lower() for each in attributes} == {
        "httponly",
        "max-age=259200",
        "path=/",
        "samesite=lax",
    }


@pytest.mark.parametrize(
    ("base", "secure"),
    [
        ("http://127.0.0.1:8000", False),
        ("http://localhost", False),
        ("http://[::1]:8000", False),
        ("http://orbiter.example", True),
        ("https://127.0.0.1", True),
    ],
)
async def test_the_cookie_is_secure_but_for_plain_http_on_loopback(
    api: Api, base: str, secure: bool
) -> None:
    await api.caller().sign_up("ada@example.org")
    body = {"email": "ada@example.org", "password": PASSWORD}
    caller = api.caller()
    answer = await caller.client.post(f"{base}/api/v1/auth/login", json=body)
    assert ("Secure" in answer.headers["set-cookie"]) == secure


async def test_unknown_email_and_wrong_password_answer_alike(api: Api) -> None:
    await api.caller().sign_up("ada@example.org")
    wrong = {"email": "ada@example.org", "password": "wrong-password"}
    unknown = {"email": "bob@example.org", "password": "wrong-password"}
    answers = [await api.caller().post("/auth/login", body) for body in (wrong, unknown)]
    assert [answer.status_code for answer in answers] == [401, 401]
    assert answers[0].json() == answers[1].json()


async def test_each_sign_in_has_a_token_of_its_own_and_signing_out_ends_it(api: Api) -> None:
    first = await api.caller().sign_up("ada@example.org")
    second = await api.caller().sign_in("ada@example.org")
    stolen = dict(first.client.cookies)
    assert stolen != dict(second.client.cookies)
    assert (await first.post("/auth/logout")).status_code == 204
    first.client.cookies.update(stolen)
    assert (await first.get("/auth/me")).status_code == 401
    assert (await second.get("/auth/me")).status_code == 200


async def test_the_csrf_token_belongs_to_its_session(api: Api) -> None:
    first = await api.caller().sign_up("ada@example.org")
    second = await api.caller().sign_in("ada@example.org")
    assert first.csrf != second.csrf
    first.csrf = second.csrf
    assert (await first.post("/projects", {"name": "x"})).status_code == 403


async def test_a_new_password_ends_the_other_sessions(api: Api) -> None:
    first = await api.caller().sign_up("ada@example.org")
    second = await api.caller().sign_in("ada@example.org")
    body = {"current_password": PASSWORD, "new_password": "another-good-one-7"}
    wrong = {**body, "current_password": "not the one"}
    assert (await first.put("/auth/password", wrong)).status_code == 422
    assert (await first.put("/auth/password", body)).status_code == 204
    assert (await second.get("/auth/me")).status_code == 401
    assert (await first.get("/auth/me")).status_code == 200
    await api.caller().sign_in("ada@example.org", "another-good-one-7")


async def test_own_sessions_are_listed_and_ended_and_nobody_elses(api: Api) -> None:
    ada = await api.caller().sign_up("ada@example.org")
    twin = await api.caller().sign_in("ada@example.org")
    other = await api.admin()
    listed = (await ada.get("/auth/sessions")).json()
    assert listed["pagination"]["total"] == 2
    newest = listed["data"][0]["id"]
    assert "token" not in str(listed)
    assert (await other.delete(f"/auth/sessions/{newest}")).status_code == 404
    assert (await ada.delete(f"/auth/sessions/{newest}")).status_code == 204
    assert (await twin.get("/auth/me")).status_code == 401


async def test_a_reset_is_asked_for_alike_whoever_exists(api: Api) -> None:
    await api.caller().sign_up("ada@example.org")
    for email in ("ada@example.org", "nobody@example.org"):
        answer = await api.caller().post("/auth/forgot-password", {"email": email})
        assert (answer.status_code, answer.content) == (204, b"")
    body = {"token": "forged", "new_password": "another-good-one-7"}
    refused = await api.caller().post("/auth/reset-password", body)
    assert refused.json()["error"]["details"]["fields"][0]["field"] == "token"


async def test_an_invitation_joins_its_workspace_in_its_role(api: Api) -> None:
    admin = await api.admin()
    member = await api.member(admin, "developer")
    assert member.user["workspace_id"] == admin.user["workspace_id"]
    assert member.user["role"] == "developer"
    assert (await admin.get("/members")).json()["pagination"]["total"] == 2


async def test_the_last_admin_stays_one(api: Api) -> None:
    admin = await api.admin()
    me = f"/members/{admin.user['id']}"
    assert (await admin.put(me, {"role": "viewer"})).status_code == 409
    assert (await admin.delete(me)).status_code == 409
    second = await api.member(admin, "admin")
    assert (await second.delete(me)).status_code == 204
    assert (await admin.get("/auth/me")).status_code == 401


async def test_where_registration_is_closed_only_the_first_gets_in() -> None:
    async with running(registration="closed") as api:
        await api.admin()
        body = {"email": "late@example.org", "password": PASSWORD}
        assert (await api.caller().post("/auth/register", body)).status_code == 403


async def test_a_key_is_shown_once(api: Api) -> None:
    admin = await api.admin()
    made = (await admin.post("/api-keys", {"name": "ci"})).json()
    assert made["key"].startswith("orb_") and made["key"].startswith(made["prefix"])
    listed = await admin.get("/api-keys")
    assert made["key"] not in listed.text
    assert listed.json()["data"][0]["scopes"] == ["ci"]
    assert (await admin.delete(f"/api-keys/{made['id']}")).status_code == 204
    assert (await api.caller(made["key"]).get("/ci/runs/x")).status_code == 401
