"""What holds for every endpoint: envelopes, ids, pages, tags, request ids, headers, rate limits."""

import re
from contextlib import AbstractAsyncContextManager

import pytest

from orbiter.adapters.memory.storage import MemoryStorage
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


async def test_head_is_get_without_the_body(api: Api) -> None:
    admin = await api.admin()
    project = f"/projects/{await admin.project()}"
    for path, status in ((project, 200), ("/projects/x", 404), ("/health/live", 200)):
        got, head = await admin.get(path), await admin.send("HEAD", path)
        assert (head.status_code, head.content) == (status, b"")
        assert head.headers["content-length"] == got.headers["content-length"]
    assert (await api.caller().send("HEAD", project)).status_code == 401


async def test_options_tells_every_method_of_a_path(api: Api) -> None:
    nobody = api.caller()
    for path, methods in (
        ("/projects", "GET, HEAD, OPTIONS, POST"),
        ("/projects/x", "DELETE, GET, HEAD, OPTIONS, PUT"),
        ("/auth/login", "OPTIONS, POST"),
    ):
        answer = await nobody.send("OPTIONS", path)
        assert (answer.status_code, answer.headers["allow"]) == (204, methods)
    assert (await nobody.send("OPTIONS", "/nothing")).status_code == 404


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
    several = f'"nonsense", {(await admin.get(path)).headers["etag"]}'
    assert (await admin.put(path, {"name": "E"}, headers={"If-Match": several})).status_code == 200


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

    async def shrink(self) -> None:
        await self.kept.shrink()

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
