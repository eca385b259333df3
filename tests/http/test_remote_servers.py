"""Remote servers over HTTP: what they offer becomes tools, which agents and nodes call."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from orbiter.adapters.outbound.allowlist import EgressAllowlist
from support.api import Api, Caller, edge, node, running
from support.outbound import answering, serving
from support.remote import RemoteHost, hosting

OFFERED = ["add", "echo_key", "fail", "flood", "hang", "look_up_order"]
KEY = "key-of-the-shop-4711"


@asynccontextmanager
async def shop(**options: Any) -> AsyncIterator[tuple[RemoteHost, Api]]:
    """Give a server of tools, and an Orbiter that may reach it."""
    allow = EgressAllowlist.parse("127.0.0.1")
    async with hosting(**options) as host, running(egress_allow=allow) as api:
        try:
            yield host, api
        finally:
            await api.container.remote_tools().close()


async def made(caller: Caller, url: str, **fields: Any) -> Any:
    body = {"name": "shop", "kind": "mcp", "config": {"url": url}, **fields}
    if "project_id" not in body:
        body["project_id"] = await caller.project()
    return await caller.post("/tools", body)


async def a_server(caller: Caller, host: RemoteHost, **fields: Any) -> dict[str, Any]:
    answer = await made(caller, host.url, **fields)
    assert answer.status_code == 201, answer.text
    server: dict[str, Any] = answer.json()
    return server


async def tools_of(caller: Caller, server: dict[str, Any]) -> dict[str, Any]:
    """Return what a server offers, as it is listed, by name."""
    listed = await caller.get(f"/tools?limit=100&kind=mcp&project_id={server['project_id']}")
    return {
        tool["name"]: tool
        for tool in listed.json()["data"]
        if tool["config"].get("server_id") == server["id"]
    }


def fields_of(answer: Any) -> dict[str, str]:
    assert answer.status_code == 422, answer.text
    return {each["field"]: each["message"] for each in answer.json()["error"]["details"]["fields"]}


async def outcome(caller: Caller, tool: Any, **arguments: Any) -> Any:
    answer = await caller.post(f"/tools/{tool['id']}/test", {"arguments": arguments})
    assert answer.status_code == 200, answer.text
    return answer.json()


class TestMaking:
    async def test_what_a_server_offers_appears_one_by_one(self) -> None:
        async with shop() as (host, api):
            admin = await api.admin()
            server = await a_server(admin, host)
            tools = await tools_of(admin, server)
        assert server["config"] == {"url": host.url}
        assert sorted(tools) == OFFERED
        assert tools["add"]["description"] == "Adds two numbers"
        assert tools["add"]["parameters"]["required"] == ["a", "b"]
        assert tools["look_up_order"]["config"] == {
            "url": host.url,
            "server_id": server["id"],
            "tool": "look.up order",
        }

    async def test_names_that_are_taken_get_the_servers_before_them(self) -> None:
        async with shop() as (host, api):
            admin = await api.admin()
            project = await admin.project()
            first = await a_server(admin, host, project_id=project)
            second = await a_server(admin, host, project_id=project, name="two")
            assert sorted(await tools_of(admin, first)) == OFFERED
            assert sorted(await tools_of(admin, second)) == [f"two_{name}" for name in OFFERED]
            again = await made(admin, host.url, project_id=project)
        assert again.status_code == 409

    @pytest.mark.parametrize(
        ("fields", "wrong"),
        [
            ({"name": "no spaces"}, "name"),
            ({"config": {}}, "config.url"),
            ({"config": {"url": "nonsense"}}, "config.url"),
            ({"config": {"url": "http://127.0.0.1:1/"}}, "config.url"),
            ({"config": {"command": "npx", "args": []}}, "config.command"),
            ({"config": {"url": "https://a.test", "command": "npx"}}, "config.command"),
            ({"config": {"url": "https://a.test", "tool": "add"}}, "config.tool"),
            (
                {"config": {"url": "https://a.test", "headers": {"Authorization": "Bearer x"}}},
                "config.headers.Authorization",
            ),
            (
                {"config": {"url": "https://a.test", "headers": {"X": "{{ secrets.NONE }}"}}},
                "config.headers",
            ),
            ({"parameters": {"type": "object"}}, "parameters"),
        ],
    )
    async def test_what_is_wrong_is_told(self, api: Api, fields: Any, wrong: str) -> None:
        admin = await api.admin()
        assert wrong in fields_of(await made(admin, "https://a.test", **fields))
        assert (await admin.get("/tools?kind=mcp")).json()["data"] == []

    async def test_a_server_that_can_not_be_asked_is_not_kept(self) -> None:
        allow = EgressAllowlist.parse("127.0.0.1")
        async with serving(answering("403 No")) as server, running(egress_allow=allow) as api:
            admin = await api.admin()
            found = fields_of(await made(admin, server.url("/mcp")))
            assert "status 403" in found["config.url"]
            assert (await admin.get("/tools?kind=mcp")).json()["data"] == []
            await api.container.remote_tools().close()

    async def test_it_is_asked_through_the_guard(self, api: Api) -> None:
        async with serving(answering()) as server:
            found = fields_of(await made(await api.admin(), server.url("/mcp")))
        assert "public address" in found["config.url"] and not server.heard
        await api.container.remote_tools().close()

    async def test_a_viewer_makes_and_refreshes_none(self) -> None:
        async with shop() as (host, api):
            admin = await api.admin()
            viewer = await api.member(admin, "viewer")
            server = await a_server(admin, host)
            host.heard.clear()
            refused = await made(viewer, host.url, project_id=server["project_id"])
            assert refused.status_code == 403
            assert (await viewer.post(f"/tools/{server['id']}/refresh")).status_code == 403
        assert not host.heard

    async def test_another_workspace_cannot_see_it(self) -> None:
        async with shop() as (host, api):
            server = await a_server(await api.admin(), host)
            stranger = await api.admin()
            host.heard.clear()
            path = f"/tools/{server['id']}"
            for answer in (
                await stranger.post(f"{path}/refresh"),
                await stranger.put(path, {"config": {"url": host.url}}),
                await stranger.delete(path),
            ):
                assert answer.status_code == 404
            theirs = await made(stranger, host.url, project_id=server["project_id"])
            assert "project_id" in fields_of(theirs)
        assert not host.heard


class TestChanging:
    async def test_a_refresh_follows_the_server(self) -> None:
        async with shop() as (host, api):
            admin = await api.admin()
            server = await a_server(admin, host)
            before = await tools_of(admin, server)
            path = f"/tools/{before['add']['id']}"
            assert (await admin.put(path, {"name": "plus", "enabled": False})).status_code == 200
            host.tools.remove_tool("fail")

            @host.tools.tool(description="Takes one number from another")
            def subtract(a: int, b: int) -> int:
                return a - b

            answer = await admin.post(f"/tools/{server['id']}/refresh")
            assert (answer.status_code, answer.json()["id"]) == (200, server["id"])
            after = await tools_of(admin, server)
        assert sorted(after) == sorted({*OFFERED, "subtract", "plus"} - {"add", "fail"})
        assert after["plus"]["id"] == before["add"]["id"] and not after["plus"]["enabled"]
        assert after["hang"]["id"] == before["hang"]["id"]

    async def test_another_address_is_asked_and_one_that_fails_changes_nothing(self) -> None:
        async with shop() as (host, api), hosting(_only_one) as other:
            admin = await api.admin()
            server = await a_server(admin, host)
            path = f"/tools/{server['id']}"
            refused = await admin.put(path, {"config": {"url": "http://127.0.0.1:1/"}})
            assert "config.url" in fields_of(refused)
            assert sorted(await tools_of(admin, server)) == OFFERED
            moved = await admin.put(path, {"config": {"url": other.url}, "parameters": None})
            assert moved.json()["config"] == {"url": other.url}
            tools = await tools_of(admin, server)
        assert {name: tool["config"]["url"] for name, tool in tools.items()} == {"one": other.url}

    async def test_what_is_not_about_the_server_does_not_ask_it(self) -> None:
        async with shop() as (host, api):
            admin = await api.admin()
            server = await a_server(admin, host)
            host.heard.clear()
            path = f"/tools/{server['id']}"
            renamed = await admin.put(path, {"name": "store", "description": "Ours"})
            assert renamed.json()["name"] == "store"
        assert not host.heard

    async def test_what_a_server_offers_is_changed_there(self) -> None:
        async with shop() as (host, api):
            admin = await api.admin()
            tools = await tools_of(admin, await a_server(admin, host))
            path = f"/tools/{tools['add']['id']}"
            changes = {"config": {"url": host.url}, "description": "", "parameters": None}
            assert fields_of(await admin.put(path, changes)).keys() == changes.keys()
            assert (await admin.post(f"{path}/refresh")).status_code == 409

    async def test_only_servers_are_refreshed(self, api: Api) -> None:
        admin = await api.admin()
        for tool in (await admin.get("/tools")).json()["data"]:
            assert (await admin.post(f"/tools/{tool['id']}/refresh")).status_code == 409

    async def test_what_it_offers_goes_with_it(self) -> None:
        async with shop() as (host, api):
            admin = await api.admin()
            server = await a_server(admin, host)
            assert (await admin.delete(f"/tools/{server['id']}")).status_code == 204
            assert (await admin.get("/tools?kind=mcp")).json()["data"] == []


class TestUsing:
    async def test_a_trial_calls_the_remote_tool(self) -> None:
        async with shop() as (host, api):
            admin = await api.admin()
            server = await a_server(admin, host)
            tools = await tools_of(admin, server)
            assert (await outcome(admin, tools["add"], a=1, b=2))["output"] == {"result": 3}
            order = await outcome(admin, tools["look_up_order"], order="7")
            assert order["output"] == "Order 7\nis open"
            failed = await outcome(admin, tools["fail"], reason="no")
            assert failed["error"] == {
                "code": "REMOTE_TOOL_FAILED",
                "message": "Error executing tool fail",
            }
            wrong = await outcome(admin, tools["add"], a="x", b=2)
            assert wrong["error"]["code"] == "INVALID_ARGUMENTS"
            assert (await outcome(admin, server))["error"]["code"] == "TOOL_NOT_FOUND"

    async def test_a_secret_is_sent_and_shown_to_nobody(self) -> None:
        async with shop() as (host, api):
            admin = await api.admin()
            await admin.post("/secrets", {"name": "SHOP_KEY", "value": KEY})
            config = {"url": host.url, "headers": {"X-Key": "{{ secrets.SHOP_KEY }}"}}

            @host.tools.tool(name=f"tool of {KEY}", description=f"Knows {KEY}")
            def leak(what: str = KEY) -> str:
                return KEY

            server = await a_server(admin, host, config=config)
            tools = await tools_of(admin, server)
            assert server["config"] == config
            echoed = await outcome(admin, tools["echo_key"])
            listed = (await admin.get("/tools?limit=100")).text
        assert {heard.get("x-key") for heard in host.heard} == {KEY}
        assert echoed["output"] == "***"
        assert "Knows ***" in listed and KEY not in listed

    async def test_an_agent_that_has_the_server_is_offered_all_its_tools(self) -> None:
        async with shop() as (host, api):
            admin = await api.admin()
            project = await admin.project()
            server = await a_server(admin, host, project_id=project)
            agent = await admin.agent(project, tools=[server["id"]])
            calls = [
                {"name": "add", "arguments": {"a": 2, "b": 3}},
                {"name": "look_up_order", "arguments": {"order": "7"}},
            ]
            script = {"script": [{"tool_calls": calls}, {"text": "{{tool_result}}"}]}
            run = await admin.post(
                f"/agents/{agent['id']}/run",
                {"input": json.dumps(script)},
                headers={"Prefer": "wait=20"},
            )
            shown = (await admin.get(f"/runs/{run.json()['id']}")).json()
        assert run.json()["status"] == "completed", run.text
        used = {step["name"]: step["output"] for step in shown["steps"] if step["kind"] == "tool"}
        assert used == {"add": {"result": 5}, "look_up_order": "Order 7\nis open"}
        calling = [heard for heard in host.heard if "idempotency-key" in heard]
        assert len({heard["idempotency-key"] for heard in calling}) == 2

    async def test_a_node_calls_a_remote_tool(self) -> None:
        async with shop(json_response=True) as (host, api):
            admin = await api.admin()
            project = await admin.project()
            server = await a_server(admin, host, project_id=project)
            add = (await tools_of(admin, server))["add"]
            config = {"tool_id": add["id"], "arguments": {"a": "{{ inputs.a }}", "b": 1}}
            canvas = {
                "nodes": [node("start", "start"), node("add", "tool", config), node("end", "end")],
                "edges": [edge("start", "add"), edge("add", "end")],
            }
            flow = await admin.workflow(project, canvas)
            run = await admin.post(
                f"/workflows/{flow['id']}/run",
                {"inputs": {"a": 41}},
                headers={"Prefer": "wait=20"},
            )
            config["tool_id"] = server["id"]
            flow = await admin.workflow(project, canvas)
            refused = await admin.post(
                f"/workflows/{flow['id']}/run",
                {"inputs": {"a": 41}},
                headers={"Prefer": "wait=20"},
            )
        assert run.json()["output"] == {"result": 42}, run.text
        assert refused.json()["error"]["code"] == "TOOL_NOT_FOUND"
        assert refused.json()["error"]["message"].startswith("This is a server")


def _only_one(host: RemoteHost) -> None:
    @host.tools.tool()
    def one() -> int:
        return 1
