"""Registering, signing in and out, the own account, over HTTP."""

from orbiter.domain.users import Registration
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


async def test_a_session_is_shown_to_its_user_alone(api: Api) -> None:
    ada, other = await api.caller().sign_up("ada@example.org"), await api.admin()
    (listed,) = (await ada.get("/auth/sessions")).json()["data"]
    path = f"/auth/sessions/{listed['id']}"
    assert (await ada.get(path)).json() == listed
    assert (await other.get(path)).status_code == 404


async def test_all_other_sessions_are_ended_at_once(api: Api) -> None:
    ada = await api.caller().sign_up("ada@example.org")
    others = [await api.caller().sign_in("ada@example.org") for _ in range(3)]
    stranger = await api.admin()
    assert (await ada.delete("/auth/sessions")).status_code == 204
    assert [(await each.get("/auth/me")).status_code for each in others] == [401] * 3
    assert [(await each.get("/auth/me")).status_code for each in (ada, stranger)] == [200] * 2


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
    async with running(registration=Registration.CLOSED) as api:
        await api.admin()
        body = {"email": "late@example.org", "password": PASSWORD}
        assert (await api.caller().post("/auth/register", body)).status_code == 403


async def test_where_registration_is_closed_nothing_is_said_of_the_body() -> None:
    async with running(registration=Registration.CLOSED) as api:
        assert (await api.caller().post("/auth/register", {})).status_code == 422
        await api.admin()
        for body in ({}, {"email": "x"}, {"nonsense": 1}):
            assert (await api.caller().post("/auth/register", body)).status_code == 403


async def test_a_key_ends_when_it_is_told_to_in_any_time_zone(api: Api) -> None:
    admin = await api.admin()
    for given, kept in (
        ("2099-01-01T00:00:00+02:00", "2098-12-31T22:00:00.000Z"),
        ("2099-01-01T00:00:00.123456789Z", "2099-01-01T00:00:00.123Z"),
    ):
        made = (await admin.post("/api-keys", {"name": "k", "expires_at": given})).json()
        assert made["expires_at"] == kept
        assert (await admin.get(f"/api-keys/{made['id']}")).json()["expires_at"] == kept
    never = {"name": "k", "expires_at": "9999-12-31T23:59:59-12:00"}
    assert (await admin.post("/api-keys", never)).status_code == 422


async def test_a_key_is_shown_once(api: Api) -> None:
    admin = await api.admin()
    made = (await admin.post("/api-keys", {"name": "ci"})).json()
    assert made["key"].startswith("orb_") and made["key"].startswith(made["prefix"])
    listed = await admin.get("/api-keys")
    assert made["key"] not in listed.text
    assert listed.json()["data"][0]["scopes"] == ["ci"]
    assert (await admin.delete(f"/api-keys/{made['id']}")).status_code == 204
    assert (await api.caller(made["key"]).get("/ci/runs/x")).status_code == 401
