"""Tools over HTTP: those built in, a workspace's own, and trying them."""

import asyncio
import json
from typing import Any

import pytest

from orbiter.adapters.outbound.allowlist import EgressAllowlist
from orbiter.domain.builtin_tools import BUILTIN_TOOLS
from support.api import Api, Caller, edge, node, running
from support.outbound import Heard, answering, serving

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
                {"kind": "http", "config": {"url": "https://u"}, "parameters": {"type": "array"}},
                {"parameters.type"},
            ),
            (
                {"kind": "http", "config": {"url": "https://u"}, "parameters": {}},
                {"parameters.type"},
            ),
            ({"config": {"code": "def f(a): return a"}}, {"config.code"}),
            ({"config": {"code": "import os\ndef f() -> int:\n  yield 1"}}, {"config.code"}),
            ({"parameters": {"type": "object"}}, {"parameters"}),
            ({"kind": "workflow", "config": {"workflow_id": "nonsense"}}, {"config.workflow_id"}),
            ({"kind": "agent", "config": {"agent_id": "nonsense"}}, {"config.agent_id"}),
            (
                {"kind": "mcp", "config": {"url": "http://x.test", "command": "sh"}},
                {"config.command"},
            ),
        ],
    )
    async def test_what_is_wrong_is_told(
        self, api: Api, fields: dict[str, Any], wrong: set[str]
    ) -> None:
        admin = await api.admin()
        assert fields_of(await made(admin, **fields)).keys() == wrong

    async def test_every_wrong_field_is_told_at_once(self, api: Api) -> None:
        admin = await api.admin()
        config: dict[str, Any] = {"auth": {"type": "basic"}, "url": 1}
        wrong = {"project_id": "x", "name": "a b", "kind": "http", "config": config}
        told = {"project_id": "value_error", "name": "string_pattern_mismatch"}
        assert fields_of(await admin.post("/tools", wrong)) == {
            **told,
            "config.url": "string_type",
        }
        more = {"usage_count": 1, "enabled": "yes", "parameters": []}
        assert fields_of(await admin.post("/tools", {**wrong, **more})) == {
            **told,
            "usage_count": "extra_forbidden",
            "enabled": "bool_type",
            "parameters": "dict_type",
        }
        assert fields_of(await admin.post("/tools", {})).keys() == {
            "project_id",
            "name",
            "kind",
            "config",
        }

    async def test_a_projects_tools_count_among_its_dependents(self, api: Api) -> None:
        admin = await api.admin()
        project = await admin.project()
        tool = await a_tool(admin, project_id=project)
        refused = await admin.delete(f"/projects/{project}")
        assert refused.json()["error"]["details"] == {"dependents": {"tools": 1}}
        assert (await admin.delete(f"/projects/{project}?cascade=true")).status_code == 204
        assert (await admin.get(f"/tools/{tool['id']}")).status_code == 404

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
        viewer = await api.member(admin, "viewer")
        assert (await viewer.put(f"/tools/{CALCULATOR}", {"name": "x"})).status_code == 403

    async def test_parameters_of_null_are_made_anew(self, api: Api) -> None:
        admin = await api.admin()
        config = {"url": "https://api.test"}
        given = {"type": "object", "required": ["a"]}
        tool = await a_tool(admin, kind="http", config=config, parameters=given)
        path = f"/tools/{tool['id']}"
        assert (await admin.put(path, {"config": {"url": "https://u"}})).json()[
            "parameters"
        ] == given
        anew = (await admin.put(path, {"parameters": None})).json()["parameters"]
        assert anew == {"type": "object", "properties": {}}

    async def test_a_tool_stays_what_and_where_it_is(self, api: Api) -> None:
        admin = await api.admin()
        path = f"/tools/{(await a_tool(admin))['id']}"
        assert fields_of(await admin.put(path, {"kind": "http", "project_id": "x", "name": 1})) == {
            "kind": "extra_forbidden",
            "project_id": "extra_forbidden",
            "name": "string_type",
        }
        assert fields_of(await admin.put(path, {"config": None})) == {"config": "dict_type"}

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

    async def test_what_a_service_echoes_of_secrets_is_hidden(self) -> None:
        async def echo(heard: Heard, writer: asyncio.StreamWriter) -> None:
            told = json.dumps({"headers": dict(heard.headers)}).encode()
            head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
            writer.write(f"{head}content-length: {len(told)}\r\n\r\n".encode() + told)

        allowed = EgressAllowlist.parse("127.0.0.1")
        async with serving(echo) as server, running(egress_allow=allowed) as api:
            admin = await api.admin()
            secret = {"name": "TOKEN", "value": "correct-horse-battery"}
            assert (await admin.post("/secrets", secret)).status_code == 201
            config = {
                "url": server.url("/items/{{ arguments.id }}"),
                "auth": {"type": "bearer", "token": "{{ secrets.TOKEN }}"},
            }
            tool = await a_tool(admin, kind="http", config=config)
            path = f"/tools/{tool['id']}/test"
            tried = await admin.post(path, {"arguments": {"id": "a/b"}})
            await api.container.http_client().close()
        assert server.heard[0].target == "/items/a%2Fb"
        assert server.heard[0].headers["authorization"] == "Bearer correct-horse-battery"
        assert tried.json()["output"]["body"]["headers"]["authorization"] == "Bearer ***"
        assert "correct-horse" not in tried.text

    async def test_a_workflow_and_an_agent_make_runs(self, api: Api) -> None:
        admin = await api.admin()
        project = await admin.project()
        flow, agent = await admin.workflow(project), await admin.agent(project, model="echo:echo")
        config = {"workflow_id": flow["id"]}
        tool = await a_tool(admin, project_id=project, kind="workflow", config=config, name="f")
        path = f"/tools/{tool['id']}/test"
        tried = (await admin.post(path, {"arguments": {"name": "Ada"}})).json()
        (run,) = (await admin.get(f"/runs?workflow_id={flow['id']}")).json()["data"]
        assert (tried["success"], tried["output"]) == (True, "Hello Ada")
        assert tried["logs"] == [f"Run {run['id']}"]
        tried = (await admin.post(path, {"arguments": {}})).json()
        assert (tried["success"], tried["error"]["code"]) == (False, "TEMPLATE_ERROR")
        failed = (await admin.get(f"/runs?workflow_id={flow['id']}")).json()["data"][0]
        assert tried["logs"] == [f"Run {failed['id']}"]
        assert tried["error"]["message"] == failed["error"]["message"]
        config = {"agent_id": agent["id"]}
        tool = await a_tool(admin, project_id=project, kind="agent", config=config, name="a")
        path = f"/tools/{tool['id']}/test"
        tried = (await admin.post(path, {"arguments": {"input": "Hi"}})).json()
        assert (tried["success"], tried["output"]) == (True, "Hi")

    async def test_why_a_run_can_not_begin_is_told(self, api: Api) -> None:
        admin = await api.admin()
        project = await admin.project()
        flow, agent = await admin.workflow(project), await admin.agent(project, model="echo:echo")
        for kind, reference in (("workflow", flow), ("agent", agent)):
            config = {f"{kind}_id": reference["id"]}
            tool = await a_tool(admin, project_id=project, kind=kind, config=config, name=kind)
            arguments = {"arguments": {"input": "Hi"}}
            if kind == "agent":
                await admin.put(f"/agents/{agent['id']}", {"status": "archived"})
                tried = (await admin.post(f"/tools/{tool['id']}/test", arguments)).json()
                assert tried["error"] == {"code": "CANNOT_RUN", "message": "The agent is archived"}
            await admin.delete(f"/{kind}s/{reference['id']}")
            tried = (await admin.post(f"/tools/{tool['id']}/test", arguments)).json()
            assert (tried["success"], tried["error"]["code"]) == (False, "CANNOT_RUN")
            assert "not found" in tried["error"]["message"]

    async def test_a_trial_has_an_empty_folder_of_its_own(self, api: Api) -> None:
        admin = await api.admin()
        ids = {tool.name: tool.id for tool in BUILTIN_TOOLS.values()}

        async def tried(name: str, **arguments: str) -> Any:
            answer = await admin.post(f"/tools/{ids[name]}/test", {"arguments": arguments})
            return answer.json()

        written = await tried("write_file", path="a.md", content="hi")
        assert written["output"] == {"path": "a.md", "size_bytes": 2}
        assert (await tried("list_files"))["output"] == {"files": []}
        assert (await tried("read_file", path="a.md"))["error"]["code"] == "FILE_NOT_FOUND"
        assert not await api.container.blobs().list()

    async def test_what_is_no_object_of_arguments_is_refused(self, api: Api) -> None:
        admin = await api.admin()
        path = f"/tools/{CALCULATOR}/test"
        assert fields_of(await admin.post(path, {"arguments": [1], "x": 1})) == {
            "arguments": "dict_type",
            "x": "extra_forbidden",
        }

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


def in_a_row(*nodes: dict[str, Any]) -> dict[str, Any]:
    """Return a canvas of these nodes between a start and an end."""
    row = [node("start", "start"), *nodes, node("end", "end")]
    edges = [edge(row[at]["id"], row[at + 1]["id"]) for at in range(len(row) - 1)]
    return {"nodes": row, "edges": edges}


async def test_uses_in_runs_are_counted_once_each(api: Api) -> None:
    admin = await api.admin()
    project = await admin.project()
    greet, helper = await admin.workflow(project), await admin.agent(project, model="echo:echo")
    tools = {
        "adder": await a_tool(admin, project_id=project),
        "greeter": await a_tool(
            admin,
            project_id=project,
            name="greeter",
            kind="workflow",
            config={"workflow_id": greet["id"]},
        ),
        "helper": await a_tool(
            admin,
            project_id=project,
            name="helper",
            kind="agent",
            config={"agent_id": helper["id"]},
        ),
    }
    given = {"adder": {"a": 1}, "greeter": {"name": "Ada"}, "helper": {"input": "Hi"}}
    uses = [
        node(name, "tool", {"tool_id": tool["id"], "arguments": given[name]})
        for name, tool in tools.items()
    ]
    # Waiting for the workflow takes the run up again: what was used before is not used again.
    flow = await admin.workflow(project, in_a_row(*uses, {**uses[1], "id": "again"}), name="Use")
    run = (await admin.post(f"/workflows/{flow['id']}/run?wait=20", {"inputs": {}})).json()
    assert (run["status"], run["output"]) == ("completed", "Hello Ada")
    await api.container.tool_uses().store()
    counted = {
        name: (await admin.get(f"/tools/{tool['id']}")).json()["usage_count"]
        for name, tool in tools.items()
    }
    assert counted == {"adder": 1, "greeter": 2, "helper": 1}
    calculator = (await admin.get(f"/tools/{CALCULATOR}")).json()
    assert calculator["usage_count"] == 0


async def test_files_are_the_runs_and_go_with_it(api: Api) -> None:
    admin = await api.admin()
    ids = {tool.name: tool.id for tool in BUILTIN_TOOLS.values()}
    file = {"path": "notes/a.md", "content": "It is {{ inputs.text }}"}
    canvas = in_a_row(
        node("write", "tool", {"tool_id": ids["write_file"], "arguments": file}),
        node("list", "tool", {"tool_id": ids["list_files"]}),
        node("read", "tool", {"tool_id": ids["read_file"], "arguments": {"path": file["path"]}}),
    )
    flow = await admin.workflow(await admin.project(), canvas)
    path = f"/workflows/{flow['id']}/run?wait=10"
    run = (await admin.post(path, {"inputs": {"text": "kept"}})).json()
    assert run["output"] == {"path": "notes/a.md", "content": "It is kept"}
    steps = (await admin.get(f"/runs/{run['id']}")).json()["steps"]
    (listed,) = [each["output"] for each in steps if each["name"] == "list_files"]
    assert listed == {"files": [{"path": "notes/a.md", "size_bytes": 10}]}
    assert await api.container.blobs().list(f"runs/{run['id']}/files") != []
    assert (await admin.delete(f"/runs/{run['id']}")).status_code == 204
    assert await api.container.blobs().list() == []


async def test_a_tool_that_is_switched_off_or_gone_is_not_used(api: Api) -> None:
    admin = await api.admin()
    project = await admin.project()
    tool = await a_tool(admin, project_id=project)
    use = node("use", "tool", {"tool_id": tool["id"], "arguments": {"a": 1}})
    flow = await admin.workflow(project, in_a_row(use))
    agent = await admin.agent(project, tools=[tool["id"]])
    script = [
        {"tool_calls": [{"name": "adder", "arguments": {"a": 1}}]},
        {"text": "{{tool_result}}"},
    ]
    path = f"/tools/{tool['id']}"
    for without in (admin.put(path, {"enabled": False}), admin.delete(path)):
        assert (await without).status_code in (200, 204)
        run = (await admin.post(f"/workflows/{flow['id']}/run?wait=10", {})).json()
        assert (run["status"], run["error"]["code"]) == ("failed", "TOOL_NOT_FOUND")
        asked = {"input": {"script": script}}
        run = (await admin.post(f"/agents/{agent['id']}/run?wait=10", asked)).json()
        assert run["status"] == "completed" and "TOOL_NOT_FOUND" in run["output"]


async def test_the_engine_that_is_set_is_searched_and_nothing_else_of_that_machine() -> None:
    page = {"title": "Ada", "url": "https://ada.example.org/", "content": "Wrote programs"}
    ids = {tool.name: tool.id for tool in BUILTIN_TOOLS.values()}
    async with serving(answering(body=json.dumps({"results": [page]}).encode())) as server:
        async with running(search_url=server.url().rstrip("/")) as api:
            admin = await api.admin()
            search = {"arguments": {"query": "ada", "limit": 1}}
            tried = (await admin.post(f"/tools/{ids['web_search']}/test", search)).json()
            request = {"arguments": {"url": server.url()}}
            refused = (await admin.post(f"/tools/{ids['http_request']}/test", request)).json()
            await api.container.search_client().close()
            await api.container.http_client().close()
    found = {"title": "Ada", "url": page["url"], "snippet": "Wrote programs"}
    assert tried["output"] == {"results": [found]}
    assert refused["error"]["code"] == "EGRESS_DENIED"
    assert [heard.target for heard in server.heard] == ["/search?q=ada&format=json"]
