"""`Idempotency-Key`: one object, however often and however fast the request is sent."""

import asyncio

from orbiter.adapters.security.encryption import FernetCipher
from support.api import PASSWORD, Api

KEY = {"Idempotency-Key": "0b7c1a52-once"}


async def test_fifty_at_once_make_one_object(api: Api) -> None:
    admin = await api.admin()
    sent = (admin.post("/projects", {"name": "once"}, headers=KEY) for _ in range(50))
    answers = await asyncio.gather(*sent)
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len({answer.headers["location"] for answer in answers}) == 1
    assert (await admin.get("/projects")).json()["pagination"]["total"] == 1


async def test_another_body_under_the_same_key_is_a_conflict(api: Api) -> None:
    admin = await api.admin()
    assert (await admin.post("/projects", {"name": "a"}, headers=KEY)).status_code == 201
    for path, body in (("/projects", {"name": "b"}), ("/workflows", {"name": "a"})):
        refused = await admin.post(path, body, headers=KEY)
        assert (refused.status_code, refused.json()["error"]["code"]) == (409, "CONFLICT")


async def test_keys_of_two_users_do_not_meet(api: Api) -> None:
    ids = set()
    for _ in range(2):
        admin = await api.admin()
        ids.add((await admin.post("/projects", {"name": "a"}, headers=KEY)).json()["id"])
    assert len(ids) == 2


async def test_a_refused_request_may_be_mended_under_its_key(api: Api) -> None:
    admin = await api.admin()
    assert (await admin.post("/projects", {"name": ""}, headers=KEY)).status_code == 422
    assert (await admin.post("/projects", {"name": "a"}, headers=KEY)).status_code == 201


async def test_a_repeated_key_shows_its_secret_again_but_keeps_it_sealed(api: Api) -> None:
    admin = await api.admin()
    first, again = [await admin.post("/api-keys", {"name": "k"}, headers=KEY) for _ in range(2)]
    assert first.json()["key"] == again.json()["key"]
    store = api.container.idempotency()
    now = api.container.clock().now()
    claim = await store.claim(admin.user["id"], KEY["Idempotency-Key"], "x", at=now, stale=now)
    assert claim is not None and claim.answer is not None
    assert first.json()["key"].encode() not in claim.answer


async def test_an_answer_that_no_key_decrypts_is_a_conflict_and_nothing_is_done_twice(
    api: Api,
) -> None:
    admin = await api.admin()
    assert (await admin.post("/projects", {"name": "once"}, headers=KEY)).status_code == 201
    dropped = FernetCipher(["x" * 32]).encrypt(b"an answer")
    await api.container.idempotency().keep(admin.user["id"], KEY["Idempotency-Key"], dropped)
    again = await admin.post("/projects", {"name": "once"}, headers=KEY)
    assert (again.status_code, again.json()["error"]["code"]) == (409, "CONFLICT")
    assert "can't be read any more" in again.json()["error"]["message"]
    assert (await admin.get("/projects")).json()["pagination"]["total"] == 1


async def test_a_run_started_twice_runs_once(api: Api) -> None:
    admin = await api.admin()
    flow = await admin.workflow(await admin.project())
    path = f"/workflows/{flow['id']}/run?wait=10"
    body = {"inputs": {"name": "Ada"}}
    answers = await asyncio.gather(*(admin.post(path, body, headers=KEY) for _ in range(10)))
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert (await admin.get("/runs")).json()["pagination"]["total"] == 1


async def test_registering_twice_under_one_key_is_registering_once(api: Api) -> None:
    body = {"email": "ada@example.org", "password": PASSWORD}
    sent = (api.caller().post("/auth/register", body, headers=KEY) for _ in range(5))
    answers = await asyncio.gather(*sent)
    assert {answer.status_code for answer in answers} == {201}


async def test_an_odd_key_is_a_bad_request(api: Api) -> None:
    admin = await api.admin()
    for key in ("x" * 256, "a b"):
        refused = await admin.post("/projects", {"name": "a"}, headers={"Idempotency-Key": key})
        assert refused.status_code == 400
