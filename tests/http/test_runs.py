"""Runs over HTTP: starting, waiting, the trace, filters, cancelling, deleting."""

import pytest

from support.api import Api, Caller, edge, node

BRANCHES = {
    "nodes": [
        node("start", "start"),
        node("greet", "template", {"template": "Hello {{ inputs.name }}"}),
        node(
            "pick",
            "condition",
            {"cases": [{"handle": "grown", "when": "inputs.age >= 18"}], "else": "young"},
        ),
        node("wine", "template", {"template": "{{ nodes.greet.output }}, wine?"}),
        node("milk", "template", {"template": "{{ nodes.greet.output }}, milk?"}),
        node("end", "end", {"output": "{{ nodes.wine.output }}"}),
        node("other", "end", {"output": "{{ nodes.milk.output }}"}),
    ],
    "edges": [
        edge("start", "greet"),
        edge("greet", "pick"),
        edge("pick", "wine", "grown"),
        edge("pick", "milk", "young"),
        edge("wine", "end"),
        edge("milk", "other"),
    ],
}
SLEEPY = {
    "nodes": [node("start", "start"), node("nap", "delay", {"seconds": 600}), node("end", "end")],
    "edges": [edge("start", "nap"), edge("nap", "end")],
}


@pytest.fixture
async def admin(api: Api) -> Caller:
    return await api.admin()


async def test_a_run_waited_for_is_ended_and_tells_its_steps(admin: Caller) -> None:
    flow = await admin.workflow(await admin.project(), BRANCHES)
    body = {"inputs": {"name": "Ada", "age": 36}}
    ran = await admin.post(f"/workflows/{flow['id']}/run", body, headers={"Prefer": "wait=10"})
    assert ran.status_code == 200, ran.text
    assert (ran.json()["status"], ran.json()["output"]) == ("completed", "Hello Ada, wine?")
    shown = (await admin.get(f"/runs/{ran.json()['id']}")).json()
    statuses = {step["node_id"]: step["status"] for step in shown["steps"]}
    assert statuses == {
        "start": "completed",
        "greet": "completed",
        "pick": "completed",
        "wine": "completed",
        "milk": "skipped",
        "end": "completed",
        "other": "skipped",
    }
    assert shown["trigger"] == "manual" and shown["duration_ms"] >= 0
    assert (await admin.get(f"/workflows/{flow['id']}")).json()["last_run_at"]


async def test_a_run_not_waited_for_is_accepted(admin: Caller) -> None:
    flow = await admin.workflow(await admin.project(), SLEEPY)
    started = await admin.post(f"/workflows/{flow['id']}/run")
    assert started.status_code == 202
    assert started.headers["location"] == f"/api/v1/runs/{started.json()['id']}"
    assert started.json()["status"] in ("queued", "running")


async def test_a_wait_that_sees_no_end_answers_202(admin: Caller) -> None:
    flow = await admin.workflow(await admin.project(), SLEEPY)
    assert (await admin.post(f"/workflows/{flow['id']}/run?wait=1", {})).status_code == 202


@pytest.mark.parametrize(
    ("prefer", "query", "applied"),
    [
        ("wait=10", "", "wait=10"),
        ('respond-async, WAIT="5"', "", "wait=5"),
        ("wait=3600", "", "wait=60"),
        ("wait=0", "", None),
        ("respond-async", "", None),
        ("wait=10", "?wait=5", None),
    ],
)
async def test_the_preference_that_was_followed_is_told(
    admin: Caller, prefer: str, query: str, applied: str | None
) -> None:
    flow = await admin.workflow(await admin.project())
    path = f"/workflows/{flow['id']}/run{query}"
    started = await admin.post(path, {"inputs": {"name": "A"}}, headers={"Prefer": prefer})
    assert started.headers.get("preference-applied") == applied


@pytest.mark.parametrize("wait", ["0", "61", "x", "-1"])
async def test_a_wait_out_of_bounds_is_a_bad_request(admin: Caller, wait: str) -> None:
    flow = await admin.workflow(await admin.project())
    assert (await admin.post(f"/workflows/{flow['id']}/run?wait={wait}", {})).status_code == 400


async def test_a_cancelled_run_stays_cancelled(admin: Caller) -> None:
    flow = await admin.workflow(await admin.project(), SLEEPY)
    run = (await admin.post(f"/workflows/{flow['id']}/run", {})).json()
    assert (await admin.delete(f"/runs/{run['id']}")).status_code == 409
    cancelled = await admin.post(f"/runs/{run['id']}/cancel")
    assert (cancelled.status_code, cancelled.json()["status"]) == (202, "cancelled")
    assert (await admin.post(f"/runs/{run['id']}/cancel")).status_code == 409
    assert (await admin.delete(f"/runs/{run['id']}")).status_code == 204
    assert (await admin.get(f"/runs/{run['id']}")).status_code == 404


async def test_runs_are_found_by_every_filter(admin: Caller) -> None:
    project, elsewhere = await admin.project(), await admin.project("Gemini")
    flow = await admin.workflow(project)
    path = f"/workflows/{flow['id']}/run?wait=10"
    ran = (await admin.post(path, {"inputs": {"name": "Grace"}})).json()
    failed = (await admin.post(path, {"inputs": {}})).json()
    assert (failed["status"], failed["error"]["code"]) == ("failed", "TEMPLATE_ERROR")

    async def found(query: str) -> set[str]:
        answer = await admin.get(f"/runs?{query}")
        assert answer.status_code == 200, answer.text
        return {run["id"] for run in answer.json()["data"]}

    both = {ran["id"], failed["id"]}
    assert await found("status=completed") == {ran["id"]}
    assert await found("status=failed") == {failed["id"]}
    assert await found(f"project_id={project}&kind=workflow&trigger=manual") == both
    assert await found(f"project_id={elsewhere}") == set()
    assert await found(f"workflow_id={flow['id']}") == both
    assert await found("agent_id=x") == await found("deployment_id=x") == set()
    assert await found("created_after=2020-01-01T00:00:00Z") == both
    assert await found("created_before=2020-01-01T00:00:00Z") == set()
    assert await found("min_cost_usd=0.01") == await found("min_duration_ms=600000") == set()
    assert await found("q=GRACE") == {ran["id"]}


@pytest.mark.parametrize(
    "query",
    [
        "status=done",
        "kind=x",
        "trigger=x",
        "created_after=soon",
        "created_after=2020",
        "created_after=0001-01-01T00:00:00%2B14:00",
        "created_before=9999-12-31T23:59:59-14:00",
        "min_cost_usd=nan",
        "min_duration_ms=x",
        "q=%00",
    ],
)
async def test_a_filter_that_makes_no_sense_is_a_bad_request(admin: Caller, query: str) -> None:
    assert (await admin.get(f"/runs?{query}")).status_code == 400


async def test_another_workspace_can_do_nothing_with_a_run(api: Api, admin: Caller) -> None:
    flow = await admin.workflow(await admin.project())
    run = (
        await admin.post(f"/workflows/{flow['id']}/run?wait=10", {"inputs": {"name": "A"}})
    ).json()
    stranger = await api.admin()
    path = f"/runs/{run['id']}"
    answers = [
        await stranger.get(path),
        await stranger.get(f"{path}/steps"),
        await stranger.post(f"{path}/cancel"),
        await stranger.delete(path),
        await stranger.get(f"/ci{path}"),
    ]
    assert [answer.status_code for answer in answers] == [404] * 5


async def test_a_build_server_runs_with_its_key(api: Api, admin: Caller) -> None:
    flow = await admin.workflow(await admin.project())
    key = api.caller((await admin.post("/api-keys", {"name": "ci"})).json()["key"])
    body = {"workflow_id": flow["id"], "inputs": {"name": "Ada"}, "wait_seconds": 10}
    ran = await key.post("/ci/run", body)
    assert (ran.status_code, ran.json()["trigger"]) == (200, "ci")
    assert (await key.get(f"/ci/runs/{ran.json()['id']}")).json()["output"] == "Hello Ada"


async def test_inputs_are_checked_before_a_run_is_made(admin: Caller) -> None:
    schema = {"type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"]}
    canvas = {
        "nodes": [node("start", "start", {"inputs": schema}), node("end", "end")],
        "edges": [edge("start", "end")],
    }
    flow = await admin.workflow(await admin.project(), canvas)
    refused = await admin.post(f"/workflows/{flow['id']}/run", {"inputs": {"age": "old"}})
    assert refused.status_code == 422
    assert refused.json()["error"]["details"]["fields"][0]["field"] == "inputs.age"
    assert (await admin.get("/runs")).json()["pagination"]["total"] == 0
