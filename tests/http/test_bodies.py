"""Bodies: what is refused, and in which order."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from litestar.routes import HTTPRoute

from orbiter.adapters.http.app import routes_within
from orbiter.adapters.http.validation import PROBLEMS_MAX
from support.api import API, Api, Caller

JSON = {"content-type": "application/json"}
UNKNOWN = "019ad2f1-5b0e-7c2a-9a44-1f0e6a1c9b11"


def fields_of(answer: Any) -> dict[str, str]:
    assert answer.status_code == 422, answer.text
    return {each["field"]: each["type"] for each in answer.json()["error"]["details"]["fields"]}


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"nonsense",
        b"[1,",
        b'{"name": 1} x',
        b'{"name": "a",}',
        b'{"name": "\xff"}',
        b'{"name": "\\ud800"}',
        b'{"name": NaN}',
        b'{"name": 1e400}',
        b'{"name": "a", "description": 1e400}',
        b'{"name": ' + b"9" * 5000 + b"}",
    ],
)
async def test_what_is_no_json_is_a_bad_request(api: Api, body: bytes) -> None:
    refused = await (await api.admin()).post("/projects", content=body, headers=JSON)
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "BAD_REQUEST")


async def test_numbers_beyond_all_bounds_are_a_bad_request_wherever_they_stand(api: Api) -> None:
    admin = await api.admin()
    start = f'{{"name": "a", "project_id": "{await admin.project()}", "variables": {{"x": '
    for number in ("1e400", "-1e400", "9" * 5000):
        body = f"{start}{number}}}}}".encode()
        assert (await admin.post("/workflows", content=body, headers=JSON)).status_code == 400
    assert (await admin.get("/workflows")).json()["pagination"]["total"] == 0


async def test_a_body_must_say_it_is_json(api: Api) -> None:
    admin = await api.admin()
    headers = {"content-type": "application/x-www-form-urlencoded"}
    refused = await admin.post("/projects", content=b"name=a", headers=headers)
    assert (refused.status_code, refused.json()["error"]["code"]) == (415, "UNSUPPORTED_MEDIA_TYPE")


async def test_a_body_over_two_mebibytes_is_refused(api: Api) -> None:
    admin = await api.admin()
    refused = await admin.post("/projects", {"name": "x" * (2 * 1024 * 1024)})
    assert (refused.status_code, refused.json()["error"]["code"]) == (413, "PAYLOAD_TOO_LARGE")


@pytest.mark.parametrize(("depth", "status"), [(62, 201), (63, 400), (100_000, 400)])
async def test_json_may_be_nested_64_levels(api: Api, depth: int, status: int) -> None:
    admin = await api.admin()
    project = await admin.project()
    deep = "[" * depth + "]" * depth
    body = f'{{"project_id": "{project}", "name": "deep", "variables": {{"x": {deep}}}}}'
    answer = await admin.post("/workflows", content=body.encode(), headers=JSON)
    assert answer.status_code == status, answer.text


async def test_a_body_that_is_not_there_is_missing(api: Api) -> None:
    admin = await api.admin()
    for answer in (
        await admin.post("/projects"),
        await admin.put(f"/projects/{await admin.project()}"),
    ):
        assert set(fields_of(answer).values()) == {"missing"}


async def test_a_client_that_hangs_up_within_its_body_is_no_bug_of_ours(api: Api) -> None:
    admin = await api.admin()

    async def hung_up() -> Any:
        return {"type": "http.disconnect"}

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    for more in ((), ((b"idempotency-key", b"once"),)):
        await api.container.app()(a_post(admin, f"{API}/projects", more), hung_up, send)
        assert (sent.pop(0)["status"], sent.pop()["type"]) == (400, "http.response.body")


def a_post(caller: Caller, path: str, more: tuple[tuple[bytes, bytes], ...]) -> Any:
    cookie = f"orbiter_session={caller.client.cookies['orbiter_session']}"
    headers = [(b"cookie", cookie.encode()), (b"x-csrf-token", (caller.csrf or "").encode())]
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "scheme": "http",
        "headers": [*headers, *more],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8000),
    }


async def test_what_a_body_refers_to_is_looked_for_beside_what_else_is_wrong(api: Api) -> None:
    admin, stranger = await api.admin(), await api.admin()
    body = {"name": "", "project_id": await stranger.project(), "id": "x"}
    expected = {"name": "string_too_short", "project_id": "value_error", "id": "extra_forbidden"}
    assert fields_of(await admin.post("/workflows", body)) == expected
    flow = await admin.workflow(await admin.project())
    assert fields_of(await admin.put(f"/workflows/{flow['id']}", body)) == expected
    body["project_id"] = await admin.project()
    assert "project_id" not in fields_of(await admin.post("/workflows", body))


async def test_an_unknown_row_is_404_before_its_body_is_422(api: Api) -> None:
    admin, stranger = await api.admin(), await api.admin()
    project = await admin.project()
    assert fields_of(await admin.put(f"/projects/{project}", {"name": ""}))
    for method, path in routes_with_a_body_about_something(api):
        for identity in ("nonsense", UNKNOWN):
            refused = await admin.send(method, path.format(identity), {"nonsense": 1})
            assert refused.status_code == 404, path
    assert (await stranger.put(f"/projects/{project}", {"name": ""})).status_code == 404


def routes_with_a_body_about_something(api: Api) -> Iterator[tuple[str, str]]:
    for route in routes_within(api.container.app()).routes:
        # Any name of a model may be given a price.
        if isinstance(route, HTTPRoute) and route.path_parameters.keys() - {"model"}:
            path = re.sub(r"{\w+}", "{0}", route.path_format.removeprefix(API))
            for method, (handler, _) in route.route_handler_map.items():
                if handler.parsed_data_field is not None:
                    yield method, path


async def test_a_key_that_only_writes_learns_what_is_wrong_too(api: Api) -> None:
    admin = await api.admin()
    project = await admin.project()
    made = await admin.post("/api-keys", {"name": "k", "scopes": ["write"]})
    key = api.caller(made.json()["key"])
    assert fields_of(await key.put(f"/projects/{project}", {"name": ""}))
    assert (await key.put(f"/projects/{UNKNOWN}", {"name": ""})).status_code == 404
    assert fields_of(await key.post("/workflows", {"name": "", "project_id": UNKNOWN})) == {
        "name": "string_too_short",
        "project_id": "value_error",
    }


async def test_what_is_wrong_with_passwords_is_told_beside_what_is_wrong_else(api: Api) -> None:
    caller = await api.admin()
    body = {"current_password": "not-the-one", "new_password": "short"}
    assert fields_of(await caller.put("/auth/password", body)) == {
        "current_password": "value_error",
        "new_password": "string_too_short",
    }
    body = {"token": "forged", "new_password": "password"}
    assert fields_of(await caller.post("/auth/reset-password", body)) == {
        "token": "value_error",
        "new_password": "value_error",
    }


async def test_a_canvas_far_too_large_is_refused_at_once(api: Api) -> None:
    admin = await api.admin()
    nodes = [
        {"id": f"n{number}", "type": "loop", "parent_id": f"n{number + 1}"}
        for number in range(15_000)
    ]
    body = {"name": "large", "project_id": await admin.project(), "canvas": {"nodes": nodes}}
    assert fields_of(await admin.post("/workflows", body)) == {"canvas.nodes": "too_long"}


async def test_a_small_body_does_not_make_for_a_large_answer(api: Api) -> None:
    admin = await api.admin()
    refused = await admin.post("/projects", {f"x{number}": 1 for number in range(50_000)})
    assert len(fields_of(refused)) == PROBLEMS_MAX
