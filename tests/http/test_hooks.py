"""Webhook triggers over HTTP: made by members, called by anybody who knows the token."""

import asyncio
import time
from typing import Any

import pytest
import structlog

from orbiter.application.ports.identity import Rate
from orbiter.application.signatures import signature
from support.api import Api, Caller, edge, node, running

FIELDS = {
    "id",
    "workflow_id",
    "name",
    "secret_set",
    "created_by",
    "created_at",
    "last_called_at",
}
ECHO = {
    "nodes": [
        node("start", "start"),
        node("end", "end", {"output": "{{ inputs }}"}),
    ],
    "edges": [edge("start", "end")],
}
SECRET = "s3cret"


async def made(admin: Caller, canvas: Any = ECHO, **more: Any) -> dict[str, Any]:
    """Create a hook of a new workflow, whose output is its inputs."""
    workflow = await admin.workflow(await admin.project(), canvas)
    answer = await admin.post("/hooks", {"workflow_id": workflow["id"], "name": "Orders", **more})
    assert answer.status_code == 201, answer.text
    hook: dict[str, Any] = answer.json()
    assert answer.headers["location"] == f"/api/v1/hooks/{hook['id']}"
    return hook


def path_of(hook: dict[str, Any]) -> str:
    """Return where to post to, relative to the API."""
    return f"/hooks/{hook['url'].rpartition('/')[2]}"


async def inputs_of(admin: Caller, called: Any) -> Any:
    """Return what the run that was started has for its inputs."""
    assert called.status_code == 202, called.text
    return (await admin.get(f"/runs/{called.json()['id']}")).json()["inputs"]


def signed(body: bytes, *, secret: str = SECRET, ago: float = 0) -> dict[str, str]:
    """Return the headers of a signed call."""
    timestamp = str(int(time.time() - ago))
    return {
        "X-Orbiter-Timestamp": timestamp,
        "X-Orbiter-Signature": signature(secret, timestamp, body),
    }


async def test_a_hook_lives_from_post_to_delete(api: Api) -> None:
    admin = await api.admin()
    hook = await made(admin, secret=SECRET)
    assert set(hook) == FIELDS | {"url"}
    assert hook["url"].startswith("http://127.0.0.1:8000/api/v1/hooks/")
    shown = {name: hook[name] for name in FIELDS}
    assert (hook["secret_set"], SECRET in str(hook)) == (True, False)
    assert (await admin.get(f"/hooks/{hook['id']}")).json() == shown
    assert (await admin.get("/hooks")).json()["data"] == [shown]
    gone = await admin.delete(f"/hooks/{hook['id']}")
    assert (gone.status_code, gone.content) == (204, b"")
    assert (await api.caller().post(path_of(hook))).status_code == 404


async def test_a_call_needs_no_session_and_starts_a_run(api: Api) -> None:
    admin = await api.admin()
    hook = await made(admin)
    called = await api.caller().post(path_of(hook), {"n": [1, None]}, params={"a": "b"})
    assert called.status_code == 202
    run = called.json()
    assert (run["status"], run["trigger"], run["workflow_id"]) == (
        "queued",
        "webhook",
        hook["workflow_id"],
    )
    assert called.headers["location"] == f"/api/v1/runs/{run['id']}"
    inputs = await inputs_of(admin, called)
    assert (inputs["body"], inputs["query"]) == ({"n": [1, None]}, {"a": "b"})
    assert inputs["headers"]["content-type"] == "application/json"
    assert (await admin.get(f"/hooks/{hook['id']}")).json()["last_called_at"] == run["queued_at"]


async def test_a_browsers_session_is_of_no_account(api: Api) -> None:
    admin = await api.admin()
    hook = await made(admin)
    admin.csrf = None
    assert (await admin.post(path_of(hook))).status_code == 202


@pytest.mark.parametrize(
    ("content", "content_type", "expected"),
    [
        (b'{"a": 1}', "application/json", {"a": 1}),
        (b'[1, "\xc3\xb6"]', "application/vnd.api+json; charset=utf-8", [1, "ö"]),
        (b"17", "application/json", 17),
        (b'{"a": 1}', "text/plain", '{"a": 1}'),
        (b"a=1&b=\xc3\xb6", "application/x-www-form-urlencoded", "a=1&b=ö"),
        (b"<a/>\x00", "text/xml", "<a/>\x00"),
        (b"", "application/json", None),
        (b"", "text/plain", None),
    ],
)
async def test_json_is_decoded_and_text_kept(
    api: Api, content: bytes, content_type: str, expected: Any
) -> None:
    admin = await api.admin()
    hook = await made(admin)
    called = await api.caller().post(
        path_of(hook), content=content, headers={"Content-Type": content_type}
    )
    assert (await inputs_of(admin, called))["body"] == expected


@pytest.mark.parametrize(
    ("content", "content_type", "status"),
    [
        (b'{"a": ', "application/json", 400),
        (b"[" * 65 + b"]" * 65, "application/json", 400),
        (b"\xff\xfe", "application/octet-stream", 400),
        (b" " * (2 * 1024 * 1024 + 1), "text/plain", 413),
    ],
)
async def test_other_bodies_are_refused(
    api: Api, content: bytes, content_type: str, status: int
) -> None:
    admin = await api.admin()
    path = path_of(await made(admin))
    refused = await api.caller().post(path, content=content, headers={"Content-Type": content_type})
    assert refused.status_code == status
    assert (await admin.get("/runs")).json()["pagination"]["total"] == 0


async def test_headers_come_without_credentials(api: Api) -> None:
    admin = await api.admin()
    secret = ("Authorization", "Cookie", "X-API-Key", "X-Gitlab-Token", "X-CSRF-Token")
    headers = [*((name, "hidden") for name in secret), ("X-Event", "a"), ("X-Event", "b")]
    caller = api.caller()
    path = f"http://127.0.0.1:8000/api/v1{path_of(await made(admin))}"
    called = await caller.client.post(path, headers=headers, content=b"")
    inputs = await inputs_of(admin, called)
    assert inputs["headers"]["x-event"] == "a, b"
    assert "hidden" not in str(inputs)


async def test_a_query_parameter_given_twice_is_a_list(api: Api) -> None:
    admin = await api.admin()
    called = await api.caller().post(f"{path_of(await made(admin))}?a=1&a=2&b=%C3%B6")
    assert (await inputs_of(admin, called))["query"] == {"a": ["1", "2"], "b": "ö"}


async def test_an_unknown_token_is_not_found(api: Api) -> None:
    hook = await made(await api.admin())
    for path in (f"/hooks/{hook['id']}", f"{path_of(hook)}x", path_of(hook)[:-1], "/hooks/%00"):
        refused = await api.caller().post(path)
        assert (refused.status_code, refused.json()["error"]["code"]) == (404, "RESOURCE_NOT_FOUND")


async def test_a_secret_demands_a_signature_in_time(api: Api) -> None:
    admin = await api.admin()
    path = path_of(await made(admin, secret=SECRET))
    body = b'{"n": 1}'
    as_json = {"Content-Type": "application/json"}
    for headers in (
        {},
        signed(body, secret="another"),
        signed(b'{"n": 2}'),
        signed(body, ago=600),
        signed(body, ago=-600),
    ):
        refused = await api.caller().post(path, content=body, headers={**as_json, **headers})
        assert (refused.status_code, refused.json()["error"]["code"]) == (401, "UNAUTHORIZED")
    called = await api.caller().post(path, content=body, headers={**as_json, **signed(body)})
    inputs = await inputs_of(admin, called)
    assert inputs["body"] == {"n": 1}
    assert "x-orbiter-signature" not in inputs["headers"]


async def test_who_can_not_sign_learns_nothing_of_the_body(api: Api) -> None:
    path = path_of(await made(await api.admin(), secret=SECRET))
    headers = {"Content-Type": "application/json"}
    assert (await api.caller().post(path, content=b"{", headers=headers)).status_code == 401


async def test_a_workflow_that_can_not_run_answers_422(api: Api) -> None:
    admin = await api.admin()
    schema = {"type": "object", "properties": {"body": {"type": "object"}}}
    canvas = {"nodes": [node("start", "start", {"inputs": schema}), node("end", "end")]}
    picky = await made(admin, {**canvas, "edges": [edge("start", "end")]})
    unfinished = await made(admin, {"nodes": [node("start", "start")], "edges": []})
    for hook, field in ((picky, "inputs.body"), (unfinished, "canvas")):
        refused = await api.caller().post(path_of(hook), [1])
        assert refused.status_code == 422
        assert refused.json()["error"]["details"]["fields"][0]["field"] == field
    assert (await api.caller().post(path_of(picky), {"a": 1})).status_code == 202


async def test_a_call_repeated_under_its_key_starts_one_run(api: Api) -> None:
    admin = await api.admin()
    first, second = path_of(await made(admin)), path_of(await made(admin))
    key = {"Idempotency-Key": "delivery-1"}
    calls = [api.caller().post(first, {"n": 1}, headers=key) for _ in range(5)]
    answers = await asyncio.gather(*calls)
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert (await api.caller().post(first, {"n": 2}, headers=key)).status_code == 409
    other = await api.caller().post(second, {"n": 2}, headers=key)
    assert other.status_code == 202
    assert (await admin.get("/runs")).json()["pagination"]["total"] == 2


async def test_calls_are_counted_per_hook() -> None:
    rates = {"run": Rate(amount=2, seconds=60), "api": Rate(amount=1000, seconds=60)}
    async with running(rate_limits=rates) as api:
        admin = await api.admin()
        first, second = path_of(await made(admin)), path_of(await made(admin))
        answers = [await api.caller().post(first) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [202, 202, 429]
        assert int(answers[2].headers["retry-after"]) >= 1
        assert (await api.caller().post(second)).status_code == 202


async def test_guesses_are_counted_per_address() -> None:
    async with running(rate_limits={"api": Rate(amount=2, seconds=60)}) as api:
        answers = [await api.caller().post(f"/hooks/{number}") for number in range(3)]
        assert [answer.status_code for answer in answers] == [404, 404, 429]


async def test_the_token_is_in_no_log(api: Api) -> None:
    admin = await api.admin()
    hook = await made(admin)
    token = path_of(hook).removeprefix("/hooks/")
    with structlog.testing.capture_logs() as lines:
        for path in (f"/hooks/{token}", f"/hooks/{token}/", f"/hooks/{token}/x?y"):
            await api.caller().post(path)
            await api.caller().get(path)
        await admin.delete(f"/hooks/{hook['id']}")
        await api.caller().post(f"/hooks/{token}")
    paths = [line["path"] for line in lines if line["event"] == "request"]
    assert token not in str(lines)
    assert paths == ["/api/v1/hooks/***"] * 6 + [f"/api/v1/hooks/{hook['id']}", "/api/v1/hooks/***"]


async def test_another_workspace_can_do_nothing_with_it(api: Api) -> None:
    admin, stranger = await api.admin(), await api.admin()
    hook = await made(admin)
    assert (await stranger.get(f"/hooks/{hook['id']}")).status_code == 404
    assert (await stranger.delete(f"/hooks/{hook['id']}")).status_code == 404
    body = {"workflow_id": hook["workflow_id"], "name": "Mine"}
    assert (await stranger.post("/hooks", body)).status_code == 422
    assert (await stranger.get("/hooks")).json()["pagination"]["total"] == 0
    assert (await api.caller().post(path_of(hook))).status_code == 202


async def test_hooks_are_listed_by_workflow(api: Api) -> None:
    admin = await api.admin()
    first, second = await made(admin), await made(admin)
    found = await admin.get("/hooks", params={"workflow_id": second["workflow_id"]})
    assert [each["id"] for each in found.json()["data"]] == [second["id"]]
    both = (await admin.get("/hooks")).json()["data"]
    assert [each["id"] for each in both] == [second["id"], first["id"]]


async def test_every_wrong_field_is_told_at_once(api: Api) -> None:
    admin = await api.admin()
    refused = await admin.post("/hooks", {"workflow_id": "x", "name": "", "secret": "", "url": ""})
    fields = refused.json()["error"]["details"]["fields"]
    assert {each["field"]: each["type"] for each in fields} == {
        "workflow_id": "value_error",
        "name": "string_too_short",
        "secret": "string_too_short",
        "url": "extra_forbidden",
    }
