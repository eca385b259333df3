"""Workflows that run other workflows: children that end with their parents at the latest."""

import asyncio
from typing import Any

import pytest

from support.api import Api, Caller, edge, node

NEEDY = {
    "nodes": [
        node(
            "start",
            "start",
            {"inputs": {"type": "object", "properties": {"n": {"type": "integer"}}}},
        ),
        node("text", "template", {"template": "{{ 12 / inputs.n }}"}),
        node("end", "end"),
    ],
    "edges": [edge("start", "text"), edge("text", "end")],
}
ASKING = {
    "nodes": [
        node("start", "start"),
        node("ask", "approval", {"message": "?"}),
        node("end", "end", {"output": "{{ nodes.ask.output.comment }}"}),
        node("no", "end", {"output": "no"}),
    ],
    "edges": [edge("start", "ask"), edge("ask", "end", "approved"), edge("ask", "no", "rejected")],
}


def running_another(workflow_id: str, config: Any = None, **more: Any) -> dict[str, Any]:
    """Return a canvas of one node that runs another workflow."""
    given = {"workflow_id": workflow_id, **(config or {})}
    nodes = [node("start", "start"), node("child", "workflow", given, **more), node("end", "end")]
    return {"nodes": nodes, "edges": [edge("start", "child"), edge("child", "end")]}


@pytest.fixture
async def admin(api: Api) -> Caller:
    return await api.admin()


async def ran(caller: Caller, canvas: dict[str, Any], **inputs: Any) -> dict[str, Any]:
    """Return a run of a new workflow, waited for."""
    parent = await caller.workflow(await caller.project("Parents"), canvas)
    path = f"/workflows/{parent['id']}/run?wait=30"
    started = await caller.post(path, {"inputs": inputs})
    assert started.status_code == 200, started.text
    shown: dict[str, Any] = (await caller.get(f"/runs/{started.json()['id']}")).json()
    return shown


async def a_child(caller: Caller, canvas: dict[str, Any]) -> str:
    return str((await caller.workflow(await caller.project("Children"), canvas))["id"])


async def children_of(caller: Caller, run_id: str) -> list[dict[str, Any]]:
    runs = (await caller.get("/runs?trigger=parent&limit=100")).json()["data"]
    return [run for run in runs if run["parent_run_id"] == run_id]


async def stands(caller: Caller, run_id: str, status: str) -> dict[str, Any]:
    async with asyncio.timeout(10):
        while True:
            shown: dict[str, Any] = (await caller.get(f"/runs/{run_id}")).json()
            if shown["status"] == status:
                return shown
            await asyncio.sleep(0.01)


async def test_a_childs_output_is_the_nodes(admin: Caller) -> None:
    child_id = await a_child(admin, NEEDY)
    canvas = running_another(child_id, {"inputs": {"n": "{{ inputs.n }}"}})
    parent = await ran(admin, canvas, n=3)
    assert (parent["status"], parent["output"]) == ("completed", 4)
    (child,) = await children_of(admin, parent["id"])
    assert (child["status"], child["inputs"], child["trigger"]) == (
        "completed",
        {"n": 3},
        "parent",
    )
    step = next(each for each in parent["steps"] if each["node_id"] == "child")
    assert step["input"] == {"workflow_id": child_id, "inputs": {"n": 3}, "run_id": child["id"]}


async def test_a_childs_failure_fails_the_node(admin: Caller) -> None:
    canvas = running_another(await a_child(admin, NEEDY), {"inputs": {"n": 0}})
    parent = await ran(admin, canvas)
    assert (parent["status"], parent["error"]["code"]) == ("failed", "CHILD_FAILED")
    assert parent["error"]["message"].startswith("TEMPLATE_ERROR: ")
    assert parent["error"]["node_id"] == "child"


async def test_each_attempt_has_a_child_of_its_own(admin: Caller) -> None:
    retry = {"max_attempts": 3, "backoff_seconds": 0}
    canvas = running_another(await a_child(admin, NEEDY), {"inputs": {"n": 0}}, retry=retry)
    parent = await ran(admin, canvas)
    assert parent["error"]["code"] == "CHILD_FAILED"
    assert len(await children_of(admin, parent["id"])) == 3
    assert next(each["attempt"] for each in parent["steps"] if each["node_id"] == "child") == 3


@pytest.mark.parametrize(
    ("config", "code"),
    [
        ({"inputs": {"n": "many"}}, "INVALID_INPUTS"),
        ({"version": 9}, "WORKFLOW_NOT_FOUND"),
        ({"workflow_id": "0192f000-0000-7000-8000-000000000001"}, "WORKFLOW_NOT_FOUND"),
        ({"workflow_id": "nothing"}, "WORKFLOW_NOT_FOUND"),
    ],
)
async def test_what_can_not_be_run_fails_the_node(
    admin: Caller, config: dict[str, Any], code: str
) -> None:
    canvas = running_another(await a_child(admin, NEEDY), config)
    parent = await ran(admin, canvas)
    assert parent["error"]["code"] == code
    assert await children_of(admin, parent["id"]) == []


async def test_another_workspaces_workflow_can_not_be_run(api: Api, admin: Caller) -> None:
    theirs = await a_child(await api.admin(), NEEDY)
    parent = await ran(admin, running_another(theirs))
    assert parent["error"]["code"] == "WORKFLOW_NOT_FOUND"


async def test_an_unfinished_workflow_can_not_be_run(admin: Caller) -> None:
    draft = await a_child(admin, {"nodes": [node("start", "start")], "edges": []})
    parent = await ran(admin, running_another(draft))
    assert parent["error"]["code"] == "WORKFLOW_UNFINISHED"


async def test_a_parent_waits_for_its_child_however_long(admin: Caller) -> None:
    flow = await admin.workflow(
        await admin.project(), running_another(await a_child(admin, ASKING))
    )
    started = (await admin.post(f"/workflows/{flow['id']}/run")).json()
    parent = await stands(admin, started["id"], "waiting")
    (child,) = await children_of(admin, parent["id"])
    shown = await stands(admin, child["id"], "waiting")
    (step,) = [each for each in shown["steps"] if each["status"] == "waiting"]
    body = {"decision": "approve", "comment": "yes"}
    path = f"/runs/{child['id']}/approvals/{step['id']}"
    assert (await admin.post(path, body)).status_code == 200
    assert (await stands(admin, parent["id"], "completed"))["output"] == "yes"


async def test_a_cancelled_parent_takes_its_children_with_it(admin: Caller) -> None:
    middle = await a_child(admin, running_another(await a_child(admin, ASKING)))
    flow = await admin.workflow(await admin.project(), running_another(middle))
    started = (await admin.post(f"/workflows/{flow['id']}/run")).json()
    await stands(admin, started["id"], "waiting")
    (child,) = await children_of(admin, started["id"])
    await stands(admin, child["id"], "waiting")
    (grandchild,) = await children_of(admin, child["id"])
    await stands(admin, grandchild["id"], "waiting")
    assert (await admin.post(f"/runs/{started['id']}/cancel")).status_code == 202
    for run in (started, child, grandchild):
        shown = await stands(admin, run["id"], "cancelled")
        assert not [step for step in shown["steps"] if step["status"] in ("waiting", "running")]


async def test_a_cancelled_child_fails_the_node(admin: Caller) -> None:
    flow = await admin.workflow(
        await admin.project(), running_another(await a_child(admin, ASKING))
    )
    started = (await admin.post(f"/workflows/{flow['id']}/run")).json()
    await stands(admin, started["id"], "waiting")
    (child,) = await children_of(admin, started["id"])
    assert (await admin.post(f"/runs/{child['id']}/cancel")).status_code == 202
    assert (await stands(admin, started["id"], "failed"))["error"]["code"] == "CHILD_CANCELLED"


async def test_a_child_that_takes_too_long_is_cancelled(admin: Caller) -> None:
    child_id = await a_child(admin, ASKING)
    parent = await ran(admin, running_another(child_id, timeout_seconds=0.3))
    assert parent["error"]["code"] == "TIMEOUT"
    (child,) = await children_of(admin, parent["id"])
    assert child["status"] == "cancelled"


async def test_a_parent_that_fails_ends_its_children(admin: Caller) -> None:
    canvas = running_another(await a_child(admin, ASKING))
    canvas["nodes"] += [
        node("nap", "delay", {"seconds": 0.3}),
        node("fail", "template", {"template": "{{ 1 / 0 }}"}),
    ]
    canvas["edges"] += [edge("start", "nap"), edge("nap", "fail"), edge("fail", "end")]
    parent = await ran(admin, canvas)
    assert parent["error"]["node_id"] == "fail"
    (child,) = await children_of(admin, parent["id"])
    assert (await stands(admin, child["id"], "cancelled"))["parent_run_id"] == parent["id"]


async def test_a_workflow_that_runs_itself_ends_ten_levels_down(admin: Caller) -> None:
    flow = await admin.workflow(await admin.project(), NEEDY)
    canvas = running_another(flow["id"])
    assert (await admin.put(f"/workflows/{flow['id']}", {"canvas": canvas})).status_code == 200
    started = await admin.post(f"/workflows/{flow['id']}/run?wait=30", {})
    assert started.json()["error"]["code"] == "CHILD_FAILED"
    runs = (await admin.get("/runs?limit=100")).json()["data"]
    assert len(runs) == 11
    codes = [run["error"]["code"] for run in runs]
    assert sorted(codes) == ["CHILD_FAILED"] * 10 + ["RUN_DEPTH"]
