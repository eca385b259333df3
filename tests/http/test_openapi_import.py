"""Importing OpenAPI over HTTP: tools that are made at once, and what they then send."""

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from orbiter.adapters.outbound.allowlist import EgressAllowlist
from support.api import Api, Caller, running
from support.outbound import Server, answering, redirecting, serving
from support.services import NOTES_3_1, SHOP_3_0, a_service

ANSWER = answering(headers={"content-type": "application/json"}, body=b'{"done": true}')


@asynccontextmanager
async def beside(server: Server) -> AsyncIterator[Api]:
    """Give an Orbiter that may reach a server on this machine."""
    async with running(egress_allow=EgressAllowlist.parse(f"127.0.0.1:{server.port}")) as api:
        yield api


async def imported(caller: Caller, **fields: Any) -> dict[str, Any]:
    """Return the tools that an import makes, by name."""
    body = {"project_id": await caller.project(), **fields}
    answer = await caller.post("/tools/import-openapi", body)
    assert answer.status_code == 201, answer.text
    return {tool["name"]: tool for tool in answer.json()["data"]}


async def refused(caller: Caller, status: int = 422, **fields: Any) -> dict[str, str]:
    """Return why an import is refused, by field; nothing has been made."""
    body = {"project_id": await caller.project(), **fields}
    answer = await caller.post("/tools/import-openapi", body)
    assert answer.status_code == status, answer.text
    assert (await caller.get(f"/tools?project_id={body['project_id']}&kind=http")).json()[
        "data"
    ] == []
    details = answer.json()["error"]["details"]
    return {each["field"]: each["message"] for each in details["fields"]}


async def outcome(caller: Caller, tool: Any, **arguments: Any) -> Any:
    """Return how a tool fares."""
    answer = await caller.post(f"/tools/{tool['id']}/test", {"arguments": arguments})
    assert answer.status_code == 200, answer.text
    return answer.json()


class TestWhatIsSent:
    async def test_parameters_go_where_the_document_says(self) -> None:
        async with serving(ANSWER) as server, beside(server) as api:
            admin = await api.admin()
            host = f"127.0.0.1:{server.port}"
            document = SHOP_3_0.replace("http://shop.test", f"http://{host}")
            tools = await imported(admin, document=document)
            (secret,) = re.findall(
                r"secrets\.(\w+)", tools["orders_get"]["config"]["headers"]["X-Shop-Key"]
            )
            assert secret.startswith(f"HOST_127_0_0_1_{server.port}_SHOP_KEY_")
            await admin.post("/secrets", {"name": secret, "value": "shop-key-4711"})
            trial = await outcome(
                admin,
                tools["orders_get"],
                orderId="a/b c",
                expand=["items", "payer"],
                fields=["id", "note"],
                filter={"state": "open"},
                **{"X-Trace": "t-1"},
            )
        assert trial["success"], trial
        assert trial["output"]["body"] == {"done": True}
        (heard,) = server.heard
        assert heard.method == "GET"
        assert urlsplit(heard.target).path == "/v1/orders/a%2Fb%20c"
        assert parse_qsl(urlsplit(heard.target).query) == [
            ("expand", "items"),
            ("expand", "payer"),
            ("fields", "id,note"),
            ("filter[state]", "open"),
        ]
        assert heard.headers["x-trace"] == "t-1"
        assert heard.headers["x-shop-key"] == "shop-key-4711"

    async def test_what_is_optional_may_be_left_out(self) -> None:
        async with serving(ANSWER) as server, beside(server) as api:
            admin = await api.admin()
            base = server.url("")
            tools = await imported(admin, document=SHOP_3_0, base_url=base, auth={"type": "none"})
            assert (await outcome(admin, tools["orders_get"], orderId="7"))["success"]
            assert (await outcome(admin, tools["get_ping"]))["success"]
        assert [heard.target for heard in server.heard] == ["/orders/7", "/ping"]
        assert "x-trace" not in server.heard[0].headers

    async def test_a_body_of_json_is_sent(self) -> None:
        async with serving(ANSWER) as server, beside(server) as api:
            admin = await api.admin()
            auth = {"type": "bearer", "token": "{{ secrets.SHOP_TOKEN }}"}
            await admin.post("/secrets", {"name": "SHOP_TOKEN", "value": "token-4711"})
            tools = await imported(
                admin,
                document=SHOP_3_0,
                base_url=server.url(""),
                auth=auth,
                operations=["orders.put"],
            )
            order = {"note": None, "items": [{"sku": "A", "parts": [{"sku": 5}]}]}
            trial = await outcome(admin, tools["orders_put"], orderId="7", body=order)
            wrong = await outcome(admin, tools["orders_put"], orderId="7", body={"note": 5})
        assert trial["success"], trial
        assert wrong["error"]["code"] == "INVALID_ARGUMENTS"
        (heard,) = server.heard
        assert (heard.method, json.loads(heard.body)) == ("PUT", order)
        assert heard.headers["content-type"] == "application/json"
        assert heard.headers["authorization"] == "Bearer token-4711"

    async def test_a_document_of_3_1_works_too(self) -> None:
        async with serving(ANSWER) as server, beside(server) as api:
            admin = await api.admin()
            tools = await imported(
                admin, document=NOTES_3_1, base_url=server.url(""), auth={"type": "none"}
            )
            note = {"kind": "note", "text": "Hello"}
            arguments = {"id": 7, "id_query": True}
            assert (await outcome(admin, tools["note"], **arguments, body_body=note))["success"]
            assert (await outcome(admin, tools["note"], **arguments, body_body=None))["success"]
            assert (await outcome(admin, tools["note"], **arguments))["success"]
        assert [heard.target for heard in server.heard] == ["/api/notes/7?id=true"] * 3
        assert [heard.body for heard in server.heard] == [json.dumps(note).encode(), b"null", b""]

    async def test_an_agent_calls_an_imported_tool(self) -> None:
        async with serving(ANSWER) as server, beside(server) as api:
            admin = await api.admin()
            project = await admin.project()
            tools = await imported(
                admin,
                project_id=project,
                document=SHOP_3_0,
                base_url=server.url(""),
                auth={"type": "none"},
            )
            agent = await admin.agent(project, tools=[tools["orders_get"]["id"]])
            call = {"name": "orders_get", "arguments": {"orderId": "7"}}
            script = {"script": [{"tool_calls": [call]}, {"text": "It is {{tool_result}}"}]}
            run = await admin.post(
                f"/agents/{agent['id']}/run",
                {"input": json.dumps(script)},
                headers={"Prefer": "wait=20"},
            )
        assert run.json()["status"] == "completed", run.text
        assert '"done":true' in run.json()["output"].replace(" ", "")
        assert server.heard[0].headers["idempotency-key"]


class TestFetching:
    async def test_the_document_may_be_fetched_and_says_where_the_service_is(self) -> None:
        document = json.dumps(NOTES_3_1).encode()
        async with serving(answering(body=document)) as server, beside(server) as api:
            admin = await api.admin()
            tools = await imported(admin, url=server.url("/docs/notes.json"))
        assert [heard.target for heard in server.heard] == ["/docs/notes.json"]
        expected = server.url("/api/notes/{{ arguments.id }}")
        assert tools["note"]["config"]["url"] == expected

    @pytest.mark.parametrize(
        ("talk", "message"),
        [
            (answering("404 Not Found"), "status 404"),
            (answering(body=b"\xff\xfe"), "UTF-8"),
            (answering(body=b"#" * (9 * 1024 * 1024)), "more than"),
            (answering(body=b"#" * (11 * 1024 * 1024)), "more than"),
            (redirecting("http://10.0.0.1/"), "public address"),
        ],
    )
    async def test_what_can_not_be_had_is_told(self, talk: Any, message: str) -> None:
        async with serving(talk) as server, beside(server) as api:
            found = await refused(await api.admin(), url=server.url())
        assert message in found["url"]

    async def test_it_is_fetched_through_the_guard(self, api: Api) -> None:
        async with serving(ANSWER) as server:
            found = await refused(await api.admin(), url=server.url())
        assert list(found) == ["url"] and not server.heard


class TestRefusals:
    async def test_nothing_is_made_when_anything_is_wrong(self, api: Api) -> None:
        bad = {"parameters": [{"$ref": "http://elsewhere.test/x"}]}
        found = await refused(await api.admin(), document=a_service({}, bad))
        assert list(found) == ["document.paths./1.get.parameters.0.$ref"]

    @pytest.mark.parametrize(
        ("fields", "wrong"),
        [
            ({}, "document"),
            ({"document": "{}", "url": "https://a.test"}, "url"),
            ({"document": 5}, "document"),
            ({"document": "{}", "base_url": "a.test"}, "base_url"),
            ({"document": "{}", "auth": {"type": "bearer"}}, "auth.token"),
            ({"document": "{}", "auth": {"type": "magic"}}, "auth.type"),
            ({"document": a_service({}), "operations": ["x"]}, "operations.0"),
            ({"document": a_service({}), "extra": 1}, "extra"),
        ],
    )
    async def test_what_is_wrong_is_told(self, api: Api, fields: Any, wrong: str) -> None:
        assert list(await refused(await api.admin(), **fields)) == [wrong]

    async def test_a_name_that_is_taken_makes_nothing(self, api: Api) -> None:
        admin = await api.admin()
        project = await admin.project()
        document = a_service({"operationId": "a"}, {"operationId": "b"})
        await imported(admin, project_id=project, document=document, operations=["b"])
        body = {"project_id": project, "document": document}
        answer = await admin.post("/tools/import-openapi", body)
        assert answer.status_code == 409
        assert answer.json()["error"]["details"] == {"name": "b"}
        listed = (await admin.get(f"/tools?project_id={project}&kind=http")).json()["data"]
        assert [tool["name"] for tool in listed] == ["b"]

    async def test_a_project_of_another_workspace_does_not_exist(self, api: Api) -> None:
        theirs = await (await api.admin()).project()
        body = {"project_id": theirs, "document": a_service({})}
        answer = await (await api.admin()).post("/tools/import-openapi", body)
        assert answer.status_code == 422
        (field,) = answer.json()["error"]["details"]["fields"]
        assert field["field"] == "project_id"

    async def test_a_viewer_imports_nothing(self, api: Api) -> None:
        admin = await api.admin()
        viewer = await api.member(admin, "viewer")
        body = {"project_id": await admin.project(), "document": a_service({})}
        assert (await viewer.post("/tools/import-openapi", body)).status_code == 403

    async def test_each_tool_is_told_to_the_audit_log(self, api: Api) -> None:
        admin = await api.admin()
        tools = await imported(admin, document=a_service({}, {}))
        told = (await admin.get("/audit-log?action=tool.created")).json()["data"]
        assert {each["entity_id"] for each in told} == {tool["id"] for tool in tools.values()}
