"""Tools over HTTP: those built in, a workspace's own, and trying them."""

from typing import Any

import pytest

from orbiter.domain.builtin_tools import BUILTIN_TOOLS
from support.api import Api, Caller, edge, node

CODE = '''
def add(a: int, b: int = 1) -> int:
    """Adds two numbers."""
    print("adding")
    return a + b
'''
CALCULATOR = next(tool.id for tool in BUILTIN_TOOLS.values() if tool.name == "calculator")


async def made(caller: Caller, **fields: Any) -> Any:
    body = {"name": "adder", "kind": "python", "config": {"code": CODE}, **fields}
    if "project_id" not in body:
        body["project_id"] = await caller.project()
    return await caller.post("/tools", body)


async def a_tool(caller: Caller, **fields: Any) -> dict[str, Any]:
    answer = await made(caller, **fields)
    assert answer.status_code == 201, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


def fields_of(answer: Any) -> dict[str, str]:
    assert answer.status_code == 422, answer.text
    return {each["field"]: each["type"] for each in answer.json()["error"]["details"]["fields"]}


class TestListing:
    async def test_those_built_in_stand_behind_the_own(self, api: Api) -> None:
        admin = await api.admin()
        project = await admin.project()
        own = [await a_tool(admin, project_id=project, name=name) for name in ("a", "b")]
        listed = (await admin.get("/tools?limit=100")).json()
        ids = [tool["id"] for tool in listed["data"]]
        assert ids == [own[1]["id"], own[0]["id"], *sorted(BUILTIN_TOOLS, reverse=True)]
        assert listed["pagination"] == {
            "next_cursor": None,
            "has_more": False,
            "total": 2 + len(BUILTIN_TOOLS),
        }

    @pytest.mark.parametrize("order", ["asc", "desc"])
    @pytest.mark.parametrize("limit", [1, 2, 3, 9, 10])
    async def test_pages_give_each_once(self, api: Api, order: str, limit: int) -> None:
        admin = await api.admin()
        project = await admin.project()
        for name in ("a", "b"):
            await a_tool(admin, project_id=project, name=name)
        whole = (await admin.get(f"/tools?limit=100&order={order}")).json()["data"]
        found, cursor = [], ""
        while cursor is not None:
            path = f"/tools?limit={limit}&order={order}" + (f"&cursor={cursor}" if cursor else "")
            page = (await admin.get(path)).json()
            found += page["data"]
            cursor = page["pagination"]["next_cursor"]
        assert found == whole
        assert len(found) == 2 + len(BUILTIN_TOOLS)

    async def test_filters_choose(self, api: Api) -> None:
        admin = await api.admin()
        tool = await a_tool(admin, name="Adder")
        for query, wanted in (
            ("kind=python", {"Adder"}),
            ("q=ADDER", {"Adder"}),
            ("kind=builtin&q=calc", {"calculator"}),
            ("kind=http", set()),
        ):
            listed = (await admin.get(f"/tools?limit=100&{query}")).json()
            assert {each["name"] for each in listed["data"]} == wanted, query
            assert listed["pagination"]["total"] == len(wanted)
        other = (await admin.get(f"/tools?limit=100&project_id={await admin.project()}")).json()
        assert tool["id"] not in {each["id"] for each in other["data"]}


class TestMaking:
    async def test_what_python_takes_is_read_from_its_signature(self, api: Api) -> None:
        tool = await a_tool(await api.admin())
        assert tool["parameters"]["required"] == ["a"]
        assert tool["parameters"]["properties"]["b"]["default"] == 1
        assert tool["description"] == "Adds two numbers."

    async def test_a_workflows_inputs_are_its_tools_parameters(self, api: Api) -> None:
        admin = await api.admin()
        schema = {"type": "object", "properties": {"n": {"type": "integer"}}}
        canvas = {
            "nodes": [node("start", "start", {"inputs": schema}), node("end", "end")],
            "edges": [edge("start", "end")],
        }
        project = await admin.project()
        flow = await admin.workflow(project, canvas)
        config = {"workflow_id": flow["id"]}
        tool = await a_tool(admin, project_id=project, kind="workflow", config=config)
        assert tool["parameters"] == schema

    @pytest.mark.parametrize(
        ("fields", "wrong"),
        [
            ({"name": "no spaces"}, {"name"}),
            ({"kind": "builtin", "config": {}}, {"kind"}),
            ({"kind": "http", "config": {}}, {"config.url"}),
            (
                {"kind": "http", "config": {"url": "http://x.test", "nonsense": 1}},
                {"config.nonsense"},
            ),
            (
                {"kind": "http", "config": {"url": "u"}, "parameters": {"type": "array"}},
                {"parameters.type"},
            ),
            ({"kind": "http", "config": {"url": "u"}, "parameters": {}}, {"parameters.type"}),
            ({"config": {"code": "def f(a): return a"}}, {"config.code"}),
            ({"config": {"code": "import os\ndef f() -> int:\n  yield 1"}}, {"config.code"}),
            ({"parameters": {"type": "object"}}, {"parameters"}),
            ({"kind": "workflow", "config": {"workflow_id": "nonsense"}}, {"config.workflow_id"}),
            ({"kind": "agent", "config": {"agent_id": "nonsense"}}, {"config.agent_id"}),
            ({"kind": "mcp", "config": {"url": "http://x.test"}}, {"kind"}),
            (
                {"kind": "mcp", "config": {"url": "http://x.test", "command": "sh"}},
                {"kind", "config.command"},
            ),
        ],
    )
    async def test_what_is_wrong_is_told(
        self, api: Api, fields: dict[str, Any], wrong: set[str]
    ) -> None:
        admin = await api.admin()
        assert fields_of(await made(admin, **fields)).keys() == wrong

    async def test_code_is_not_run_to_be_kept(self, api: Api) -> None:
        admin = await api.admin()
        spin = f"while True:\n    pass\n{CODE}"
        assert (await made(admin, config={"code": spin})).status_code == 201

    async def test_a_name_is_taken_once_in_a_project(self, api: Api) -> None:
        admin = await api.admin()
        project = await admin.project()
        await a_tool(admin, project_id=project)
        assert (await made(admin, project_id=project)).status_code == 409
        assert (await made(admin)).status_code == 201


class TestChanging:
    async def test_what_is_built_in_stays(self, api: Api) -> None:
        admin = await api.admin()
        assert (await admin.get(f"/tools/{CALCULATOR}")).json()["project_id"] is None
        assert (await admin.put(f"/tools/{CALCULATOR}", {"name": "x"})).status_code == 409
        assert (await admin.delete(f"/tools/{CALCULATOR}")).status_code == 409

    async def test_only_what_is_given_changes(self, api: Api) -> None:
        admin = await api.admin()
        tool = await a_tool(admin)
        changed = (await admin.put(f"/tools/{tool['id']}", {"enabled": False})).json()
        assert changed == {**tool, "enabled": False, "updated_at": changed["updated_at"]}
        code = {"config": {"code": "def add(z: str) -> str:\n    return z"}}
        changed = (await admin.put(f"/tools/{tool['id']}", code)).json()
        assert list(changed["parameters"]["properties"]) == ["z"]
        assert (await admin.delete(f"/tools/{tool['id']}")).status_code == 204
        assert (await admin.get(f"/tools/{tool['id']}")).status_code == 404

    async def test_another_workspace_cannot_see_it(self, api: Api) -> None:
        admin, stranger = await api.admin(), await api.admin()
        path = f"/tools/{(await a_tool(admin))['id']}"
        assert (await stranger.get(path)).status_code == 404
        assert (await stranger.put(path, {"name": "x"})).status_code == 404
        assert (await stranger.post(f"{path}/test", {})).status_code == 404
        assert (await stranger.delete(path)).status_code == 404
        listed = (await stranger.get("/tools?limit=100")).json()["pagination"]
        assert listed["total"] == len(BUILTIN_TOOLS)


class TestTrying:
    async def test_a_function_gives_its_value_and_what_it_prints(self, api: Api) -> None:
        admin = await api.admin()
        path = f"/tools/{(await a_tool(admin))['id']}/test"
        tried = (await admin.post(path, {"arguments": {"a": 2, "b": 3}})).json()
        assert tried.pop("duration_ms") >= 0
        assert tried == {"success": True, "output": 5, "error": None, "logs": ["adding"]}

    async def test_what_fails_is_told_and_no_error(self, api: Api) -> None:
        admin = await api.admin()
        path = f"/tools/{(await a_tool(admin))['id']}/test"
        tried = (await admin.post(path, {"arguments": {"a": "two"}})).json()
        assert (tried["success"], tried["error"]["code"]) == (False, "INVALID_ARGUMENTS")
        tried = (
            await admin.post(f"/tools/{CALCULATOR}/test", {"arguments": {"expression": "1/0"}})
        ).json()
        assert (tried["success"], tried["error"]["code"]) == (False, "CALCULATION_FAILED")

    async def test_a_viewer_reads_and_tries_nothing(self, api: Api) -> None:
        admin = await api.admin()
        viewer = await api.member(admin, "viewer")
        assert (await viewer.get(f"/tools/{CALCULATOR}")).status_code == 200
        assert (await viewer.post(f"/tools/{CALCULATOR}/test", {})).status_code == 403
        assert (await viewer.post("/tools", {})).status_code == 403


async def test_an_agent_and_a_node_use_a_tool_of_their_own(api: Api) -> None:
    admin = await api.admin()
    project = await admin.project()
    tool = await a_tool(admin, project_id=project)
    canvas = {
        "nodes": [
            node("start", "start"),
            node("add", "tool", {"tool_id": tool["id"], "arguments": {"a": "{{ inputs.n }}"}}),
            node("end", "end"),
        ],
        "edges": [edge("start", "add"), edge("add", "end")],
    }
    flow = await admin.workflow(project, canvas)
    run = (await admin.post(f"/workflows/{flow['id']}/run?wait=10", {"inputs": {"n": 4}})).json()
    assert (run["status"], run["output"]) == ("completed", 5)
    agent = await admin.agent(project, model="echo:script", tools=[tool["id"]])
    script = [
        {"tool_calls": [{"name": "adder", "arguments": {"a": 1}}]},
        {"text": "{{tool_result}}"},
    ]
    path = f"/agents/{agent['id']}/run?wait=10"
    run = (await admin.post(path, {"input": {"script": script}})).json()
    assert (run["status"], run["output"]) == ("completed", "2")
    steps = (await admin.get(f"/runs/{run['id']}")).json()["steps"]
    assert [each["logs"] for each in steps if each["kind"] == "tool"] == [["adding"]]
