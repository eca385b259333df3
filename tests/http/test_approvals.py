"""Approvals over HTTP: what waits is answered once, by whoever may."""

import asyncio
from typing import Any

import pytest

from support.api import Api, Caller, edge, node

SCHEMA = {
    "type": "object",
    "properties": {"amount": {"type": "integer", "minimum": 1}, "note": {"default": "none"}},
    "required": ["amount"],
}


def asking(**config: Any) -> dict[str, Any]:
    """Return a canvas that asks, and tells apart how it was answered."""
    ask = {"message": "May {{ inputs.name }} pass?", "fields": SCHEMA, **config}
    return {
        "nodes": [
            node("start", "start"),
            node("ask", "approval", ask),
            node("yes", "end", {"output": "{{ nodes.ask.output }}"}),
            node("no", "end", {"output": "no: {{ nodes.ask.output.comment }}"}),
        ],
        "edges": [
            edge("start", "ask"),
            edge("ask", "yes", "approved"),
            edge("ask", "no", "rejected"),
        ],
    }


@pytest.fixture
async def admin(api: Api) -> Caller:
    return await api.admin()


async def waiting(caller: Caller, canvas: dict[str, Any] | None = None) -> tuple[str, str]:
    """Return a run that waits for an answer, and the step that does."""
    flow = await caller.workflow(await caller.project(), canvas or asking())
    started = await caller.post(f"/workflows/{flow['id']}/run", {"inputs": {"name": "Ada"}})
    shown = await stands(caller, started.json()["id"], "waiting")
    (step,) = [each for each in shown["steps"] if each["status"] == "waiting"]
    return shown["id"], step["id"]


async def stands(caller: Caller, run_id: str, status: str) -> dict[str, Any]:
    """Return the run once its status is that."""
    async with asyncio.timeout(10):
        while True:
            shown: dict[str, Any] = (await caller.get(f"/runs/{run_id}")).json()
            if shown["status"] == status:
                return shown
            await asyncio.sleep(0.01)


async def test_an_approved_run_goes_on_with_the_answer(admin: Caller) -> None:
    run_id, step_id = await waiting(admin)
    body = {"decision": "approve", "comment": "fine", "fields": {"amount": 5}}
    answered = await admin.post(f"/runs/{run_id}/approvals/{step_id}", body)
    assert answered.status_code == 200, answered.text
    assert (await admin.get(f"/runs/{run_id}")).json()["status"] != "waiting"
    step = answered.json()
    assert (step["id"], step["status"]) == (step_id, "completed")
    assert step["input"] == {"message": "May Ada pass?", "fields": SCHEMA}
    output = (await stands(admin, run_id, "completed"))["output"]
    assert output == step["output"]
    assert output["decided_at"].endswith("Z")
    assert {**output, "decided_at": None} == {
        "decision": "approve",
        "comment": "fine",
        "fields": {"amount": 5, "note": "none"},
        "decided_by": admin.user["id"],
        "decided_at": None,
    }


async def test_a_rejected_run_goes_the_other_way(admin: Caller) -> None:
    run_id, step_id = await waiting(admin)
    body = {"decision": "reject", "comment": "too late"}
    assert (await admin.post(f"/runs/{run_id}/approvals/{step_id}", body)).status_code == 200
    shown = await stands(admin, run_id, "completed")
    assert shown["output"] == "no: too late"
    assert {step["node_id"]: step["status"] for step in shown["steps"]} == {
        "start": "completed",
        "ask": "completed",
        "no": "completed",
        "yes": "skipped",
    }


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"decision": "approve"}, "fields.amount"),
        ({"decision": "approve", "fields": {"amount": 0}}, "fields.amount"),
        ({"decision": "reject", "fields": {"amount": "x"}}, "fields.amount"),
        ({"decision": "maybe"}, "decision"),
        ({}, "decision"),
    ],
)
async def test_an_answer_that_is_none_leaves_the_question_open(
    admin: Caller, body: dict[str, Any], field: str
) -> None:
    run_id, step_id = await waiting(admin)
    refused = await admin.post(f"/runs/{run_id}/approvals/{step_id}", body)
    assert refused.status_code == 422
    assert [each["field"] for each in refused.json()["error"]["details"]["fields"]] == [field]
    assert (await stands(admin, run_id, "waiting"))["output"] is None


async def test_of_many_answers_at_once_one_counts(admin: Caller) -> None:
    run_id, step_id = await waiting(admin)
    bodies = [{"decision": "reject", "comment": str(n)} for n in range(8)]
    path = f"/runs/{run_id}/approvals/{step_id}"
    answers = await asyncio.gather(*(admin.post(path, body) for body in bodies))
    (won,) = [each.json() for each in answers if each.status_code == 200]
    assert sorted(each.status_code for each in answers) == [200] + [409] * 7
    shown = await stands(admin, run_id, "completed")
    assert shown["output"] == f"no: {won['output']['comment']}"
    assert (await admin.post(path, bodies[0])).status_code == 409


async def test_what_asks_nothing_can_not_be_answered(admin: Caller) -> None:
    run_id, _ = await waiting(admin)
    shown = (await admin.get(f"/runs/{run_id}")).json()
    start = next(step["id"] for step in shown["steps"] if step["node_id"] == "start")
    body = {"decision": "reject"}
    assert (await admin.post(f"/runs/{run_id}/approvals/{start}", body)).status_code == 409
    assert (await admin.post(f"/runs/{run_id}/approvals/{run_id}", body)).status_code == 404
    assert (await admin.post(f"/runs/{start}/approvals/{start}", body)).status_code == 404


async def test_a_viewer_and_another_workspace_can_not_answer(api: Api, admin: Caller) -> None:
    run_id, step_id = await waiting(admin)
    viewer, stranger = await api.member(admin, "viewer"), await api.admin()
    path, body = f"/runs/{run_id}/approvals/{step_id}", {"decision": "reject"}
    assert (await viewer.post(path, body)).status_code == 403
    assert (await stranger.post(path, body)).status_code == 404
    developer = await api.member(admin, "developer")
    assert (await developer.post(path, body)).status_code == 200


async def test_a_cancelled_run_waits_no_more(admin: Caller) -> None:
    run_id, step_id = await waiting(admin)
    assert (await admin.post(f"/runs/{run_id}/cancel")).status_code == 202
    shown = await stands(admin, run_id, "cancelled")
    (ask,) = [step for step in shown["steps"] if step["id"] == step_id]
    assert (ask["status"], ask["error"]["code"]) == ("failed", "CANCELLED")
    body = {"decision": "reject"}
    assert (await admin.post(f"/runs/{run_id}/approvals/{step_id}", body)).status_code == 409


async def test_silence_may_decide(admin: Caller) -> None:
    canvas = asking(timeout_seconds=0.2, on_timeout="reject")
    flow = await admin.workflow(await admin.project(), canvas)
    ran = await admin.post(f"/workflows/{flow['id']}/run?wait=10", {"inputs": {"name": "Ada"}})
    assert ran.status_code == 200, ran.text
    assert ran.json()["output"] == "no: null"


async def test_fields_that_are_no_schema_are_told_as_an_issue(admin: Caller) -> None:
    flow = await admin.workflow(await admin.project(), asking(fields={"type": "nonsense"}))
    assert [(each["node_id"], each["code"]) for each in flow["issues"]] == [
        ("ask", "INVALID_SCHEMA")
    ]
