"""Workflows over HTTP: canvas, issues, versions."""

import pytest

from support.api import GREETING, Api, edge, node


async def test_a_workflow_comes_back_with_its_canvas(api: Api) -> None:
    admin = await api.admin()
    project = await admin.project()
    made = await admin.workflow(project, variables={"tone": "kind"})
    shown = (await admin.get(f"/workflows/{made['id']}")).json()
    assert shown == made
    assert (shown["valid"], shown["issues"], shown["version"]) == (True, [], 1)
    assert shown["canvas"]["nodes"][1]["config"] == GREETING["nodes"][1]["config"]
    (listed,) = (await admin.get(f"/workflows?project_id={project}")).json()["data"]
    assert "canvas" not in listed and listed["id"] == made["id"]
    assert (await admin.get("/workflows?project_id=nonsense")).json()["data"] == []


async def test_an_unfinished_canvas_is_kept_with_its_issues_and_not_run(api: Api) -> None:
    admin = await api.admin()
    canvas = {"nodes": [node("start", "start"), node("greet", "template")], "edges": []}
    made = await admin.workflow(await admin.project(), canvas)
    assert made["valid"] is False
    codes = {(issue["node_id"], issue["code"]) for issue in made["issues"]}
    assert codes == {(None, "NO_END"), ("greet", "MISSING_CONFIG"), ("greet", "UNREACHABLE")}
    refused = await admin.post(f"/workflows/{made['id']}/run", {})
    assert refused.status_code == 422
    assert len(refused.json()["error"]["details"]["fields"]) == 3


@pytest.mark.parametrize(
    "schema", [{"type": "nonsense"}, {"$ref": "file:///etc/passwd"}, {"$ref": "https://a.test/b"}]
)
async def test_a_start_whose_schema_is_none_is_unfinished(api: Api, schema: object) -> None:
    admin = await api.admin()
    canvas = {
        "nodes": [node("start", "start", {"inputs": schema}), node("end", "end")],
        "edges": [edge("start", "end")],
    }
    made = await admin.workflow(await admin.project(), canvas)
    (issue,) = made["issues"]
    assert (made["valid"], issue["node_id"], issue["code"]) == (False, "start", "INVALID_SCHEMA")
    refused = await admin.post(f"/workflows/{made['id']}/run", {})
    (field,) = refused.json()["error"]["details"]["fields"]
    assert (refused.status_code, field["field"]) == (422, "canvas.nodes.0")
    assert issue["message"] in field["message"]


async def test_an_agent_that_is_written_out_is_looked_at(api: Api) -> None:
    admin = await api.admin()
    agent = {"output_schema": {"type": 5}, "guardrails": {"blocked_patterns": ["a", "("]}}
    canvas = {
        "nodes": [node("start", "start"), node("ask", "agent", {"agent": agent}), node("e", "end")],
        "edges": [edge("start", "ask"), edge("ask", "e")],
    }
    made = await admin.workflow(await admin.project(), canvas)
    codes = [(issue["node_id"], issue["code"]) for issue in made["issues"]]
    assert codes == [("ask", "INVALID_SCHEMA"), ("ask", "INVALID_PATTERN")]


async def test_a_canvas_that_makes_no_sense_is_refused(api: Api) -> None:
    admin = await api.admin()
    project = await admin.project()
    canvas = {
        "nodes": [node("a", "start"), node("a", "nonsense"), node("c", "template", {"colour": 1})],
        "edges": [edge("a", "gone")],
    }
    body = {"project_id": project, "name": "x", "canvas": canvas}
    fields = (await admin.post("/workflows", body)).json()["error"]["details"]["fields"]
    assert {each["field"] for each in fields} == {
        "canvas.nodes.1.id",
        "canvas.nodes.1.type",
        "canvas.nodes.2.config.colour",
        "canvas.edges.0.target",
    }


async def test_a_project_of_another_workspace_is_no_project(api: Api) -> None:
    admin, stranger = await api.admin(), await api.admin()
    body = {"project_id": await stranger.project(), "name": "x"}
    (field,) = (await admin.post("/workflows", body)).json()["error"]["details"]["fields"]
    assert (field["field"], field["type"]) == ("project_id", "value_error")


async def test_every_change_of_the_canvas_makes_a_version(api: Api) -> None:
    admin = await api.admin()
    made = await admin.workflow(await admin.project())
    path = f"/workflows/{made['id']}"
    assert (await admin.put(path, {"name": "B"})).json()["version"] == 1
    assert (await admin.put(path, {"canvas": {"nodes": []}})).json()["version"] == 2
    versions = (await admin.get(f"{path}/versions")).json()
    assert [each["version"] for each in versions["data"]] == [2, 1]
    first = (await admin.get(f"{path}/versions/1")).json()
    assert first["canvas"] == made["canvas"]
    restored = await admin.post(f"{path}/versions/1/restore")
    assert (restored.status_code, restored.json()["version"]) == (200, 3)
    assert restored.json()["canvas"] == made["canvas"]
    for number in (0, 9, 2**40):
        assert (await admin.get(f"{path}/versions/{number}")).status_code == 404


async def test_a_copy_is_named_so_and_stands_alone(api: Api) -> None:
    admin = await api.admin()
    made = await admin.workflow(await admin.project())
    copy = await admin.post(f"/workflows/{made['id']}/duplicate")
    assert (copy.status_code, copy.json()["name"]) == (201, "Greeting (copy)")
    assert copy.headers["location"] == f"/api/v1/workflows/{copy.json()['id']}"
    await admin.delete(f"/workflows/{made['id']}")
    assert (await admin.get(f"/workflows/{copy.json()['id']}")).status_code == 200


async def test_another_workspace_can_do_nothing_with_it(api: Api) -> None:
    admin, stranger = await api.admin(), await api.admin()
    path = f"/workflows/{(await admin.workflow(await admin.project()))['id']}"
    answers = [
        await stranger.get(path),
        await stranger.put(path, {"name": "mine"}),
        await stranger.delete(path),
        await stranger.post(f"{path}/duplicate"),
        await stranger.get(f"{path}/versions"),
        await stranger.get(f"{path}/versions/1"),
        await stranger.post(f"{path}/versions/1/restore"),
        await stranger.post(f"{path}/run", {}),
    ]
    assert [answer.status_code for answer in answers] == [404] * len(answers)
    assert (await stranger.get("/runs")).json()["pagination"]["total"] == 0
