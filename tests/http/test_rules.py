"""What holds for every endpoint: envelopes, ids, pages, tags, request ids, headers, rate limits."""

import re
from contextlib import AbstractAsyncContextManager

import pytest

from orbiter.adapters.memory.storage import MemoryStorage
from orbiter.application.ports.identity import Rate
from orbiter.application.ports.storage import UnitOfWork
from support.api import Api, running

SECONDS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


@pytest.mark.parametrize("path", ["/nothing", "/projects/1/2/3", "/projects/%00", "/runs/%F0%9F"])
async def test_an_unknown_path_is_404_in_the_envelope(api: Api, path: str) -> None:
    admin = await api.admin()
    answer = await admin.get(path)
    assert answer.status_code == 404
    error = answer.json()["error"]
    assert (error["code"], set(error)) == ("RESOURCE_NOT_FOUND", {"code", "message", "details"})


async def test_an_unknown_method_is_405_in_the_envelope(api: Api) -> None:
    answer = await (await api.admin()).send("PATCH", "/projects")
    assert (answer.status_code, answer.json()["error"]["code"]) == (405, "METHOD_NOT_ALLOWED")


async def test_a_created_thing_tells_where_it_is(api: Api) -> None:
    admin = await api.admin()
    made = await admin.post("/projects", {"name": "Apollo"})
    assert made.headers["location"] == f"/api/v1/projects/{made.json()['id']}"
    assert SECONDS.fullmatch(made.json()["created_at"])
    assert made.json()["id"][14] == "7"


async def test_absent_keeps_and_null_clears(api: Api) -> None:
    admin = await api.admin()
    body = {"name": "A", "description": "d", "default_model": "echo:echo"}
    path = f"/projects/{(await admin.post('/projects', body)).json()['id']}"
    assert (await admin.put(path, {"name": "B"})).json()["description"] == "d"
    changed = (await admin.put(path, {"description": None})).json()
    assert (changed["name"], changed["description"]) == ("B", None)
    refused = await admin.put(path, {"name": None})
    assert refused.json()["error"]["details"]["fields"][0]["type"] == "string_type"


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=101", "limit=x", "order=up", "cursor=x", "cursor=%00", "cursor=AAAA"],
)
async def test_a_bad_page_is_a_bad_request(api: Api, query: str) -> None:
    answer = await (await api.admin()).get(f"/projects?{query}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "BAD_REQUEST")


async def test_pages_hold_everything_once_while_more_is_added(api: Api) -> None:
    admin = await api.admin()
    names = [f"p{number}" for number in range(7)]
    for name in names:
        await admin.project(name)
    first = (await admin.get("/projects?limit=3")).json()
    await admin.project("newcomer")
    second = (
        await admin.get(f"/projects?limit=5&cursor={first['pagination']['next_cursor']}")
    ).json()
    seen = [each["name"] for each in first["data"] + second["data"]]
    assert seen == names[::-1]
    assert first["pagination"]["total"] == 7
    assert second["pagination"] == {"next_cursor": None, "has_more": False, "total": 8}
    oldest = (await admin.get("/projects?order=asc&limit=1")).json()["data"][0]
    assert oldest["name"] == "p0"


async def test_a_cursor_fits_its_own_list_alone(api: Api) -> None:
    admin, other = await api.admin(), await api.admin()
    for caller in (admin, other):
        for name in ("a", "b"):
            await caller.project(name)
    cursor = (await admin.get("/projects?limit=1")).json()["pagination"]["next_cursor"]
    assert (await admin.get(f"/projects?limit=1&cursor={cursor}")).status_code == 200
    assert (await admin.get(f"/workflows?cursor={cursor}")).status_code == 400
    assert (await admin.get(f"/projects?order=asc&cursor={cursor}")).status_code == 400
    assert (await other.get(f"/projects?cursor={cursor}")).status_code == 400


async def test_a_stale_tag_is_a_conflict(api: Api) -> None:
    admin = await api.admin()
    made = await admin.workflow(await admin.project())
    path = f"/workflows/{made['id']}"
    tag = (await admin.get(path)).headers["etag"]
    changed = await admin.put(path, {"name": "B"}, headers={"If-Match": tag})
    assert (changed.status_code, changed.headers["etag"] != tag) == (200, True)
    for stale in (tag, '"nonsense"', f"W/{tag}"):
        refused = await admin.put(path, {"name": "C"}, headers={"If-Match": stale})
        assert (refused.status_code, refused.json()["error"]["code"]) == (409, "CONFLICT")
    assert (await admin.get(path)).json()["name"] == "B"
    assert (await admin.put(path, {"name": "D"}, headers={"If-Match": "*"})).status_code == 200


@pytest.mark.parametrize(("given", "kept"), [("abc-123", True), ("a b", False), ("x" * 200, False)])
async def test_a_sane_request_id_is_kept(api: Api, given: str, kept: bool) -> None:
    answer = await api.caller().get("/health/live", headers={"X-Request-ID": given})
    assert (answer.headers["x-request-id"] == given) == kept
    assert answer.headers["x-request-id"]


@pytest.mark.parametrize("path", ["/health/live", "/projects", "/nothing"])
async def test_every_answer_has_the_security_headers(api: Api, path: str) -> None:
    headers = (await api.caller().get(path)).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["cache-control"] == "no-store"
    assert "strict-transport-security" not in headers
    assert "access-control-allow-origin" not in headers
    assert "server" not in headers


async def test_strict_transport_is_asked_for_over_tls() -> None:
    async with running(trusted_proxies=("127.0.0.1",)) as api:
        forwarded = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.9"}
        answer = await api.caller().get("/health/live", headers=forwarded)
        assert answer.headers["strict-transport-security"].startswith("max-age=")


async def test_a_proxy_nobody_trusts_tells_nothing(api: Api) -> None:
    headers = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.9"}
    answer = await api.caller().get("/health/live", headers=headers)
    assert "strict-transport-security" not in answer.headers


async def test_cors_is_off_unless_configured() -> None:
    asked = {"Origin": "https://console.example"}
    async with running(cors_origins=("https://console.example",)) as api:
        answer = await api.caller().get("/health/live", headers=asked)
        assert answer.headers["access-control-allow-origin"] == "https://console.example"
        other = await api.caller().get("/health/live", headers={"Origin": "https://evil.example"})
        assert "access-control-allow-origin" not in other.headers


async def test_a_used_up_limit_is_429_with_its_headers() -> None:
    async with running(rate_limits={"api": Rate(amount=4, seconds=60)}) as api:
        admin = await api.admin()
        answers = [await admin.get("/projects") for _ in range(5)]
        assert answers[0].headers["ratelimit-limit"] == "4"
        refused = answers[-1]
        assert (refused.status_code, refused.json()["error"]["code"]) == (429, "RATE_LIMITED")
        assert 1 <= int(refused.headers["retry-after"]) <= 60
        assert refused.headers["ratelimit-remaining"] == "0"
        assert (await api.admin()).user["role"] == "admin"


async def test_sign_ins_are_limited_per_address_as_the_nearest_proxy_tells_it() -> None:
    rates = {"login": Rate(amount=2, seconds=60)}
    async with running(rate_limits=rates, trusted_proxies=("127.0.0.1",)) as api:
        body = {"email": "a@example.org", "password": "wrong-password"}

        async def status(forwarded: str) -> int:
            headers = {"X-Forwarded-For": forwarded}
            return (await api.caller().post("/auth/login", body, headers=headers)).status_code

        assert [await status("203.0.113.9") for _ in range(3)] == [401, 401, 429]
        assert await status("203.0.113.9, 203.0.113.10") == 401
        assert await status("spoofed, 203.0.113.9") == 429


async def test_sign_ins_are_limited_per_email_too() -> None:
    async with running(rate_limits={"login_email": Rate(amount=1, seconds=60)}) as api:
        bodies = [{"email": email, "password": "x" * 9} for email in ("a@b.example", "A@B.example")]
        answers = [await api.caller().post("/auth/login", body) for body in bodies]
        assert [answer.status_code for answer in answers] == [401, 429]


class BrokenStorage:
    """Works until it is told to break, as a bug would."""

    def __init__(self) -> None:
        self.broken = False
        self.kept = MemoryStorage()

    def open(
        self, workspace_id: str, *, reading: bool = False
    ) -> AbstractAsyncContextManager[UnitOfWork]:
        if self.broken:
            raise RuntimeError("SELECT secret FROM /var/lib/orbiter")
        return self.kept.open(workspace_id, reading=reading)

    async def ready(self) -> None:
        await self.kept.ready()

    async def close(self) -> None:
        await self.kept.close()


async def test_an_unforeseen_error_tells_its_request_and_nothing_else() -> None:
    storage = BrokenStorage()
    async with running(storage=storage) as api:
        admin = await api.admin()
        storage.broken = True
        answer = await admin.get("/projects", headers={"X-Request-ID": "seen-7"})
        storage.broken = False
    assert answer.status_code == 500
    assert answer.json() == {
        "error": {
            "code": "INTERNAL_ERROR",
            "message": "Internal server error",
            "details": {"request_id": "seen-7"},
        }
    }


async def test_every_text_is_kept_as_it_was_sent(api: Api) -> None:
    admin = await api.admin()
    name = "Ünïcødé \U0001f680 'quotes\" <b> \\ %"
    made = await admin.post("/projects", {"name": name})
    assert (await admin.get(f"/projects/{made.json()['id']}")).json()["name"] == name
    refused = await admin.post("/projects", {"name": "nul\0"})
    assert refused.status_code == 422
