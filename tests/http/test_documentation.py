"""The OpenAPI document: every route described, with examples that work."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from orbiter.adapters.http import errors
from orbiter.adapters.http.documentation.examples import UNSAID
from orbiter.adapters.http.documentation.refusals import REFUSALS
from support.api import API, Api, Caller
from support.openapi import Document, bodies, document_of, operations

META_SCHEMA = json.loads(Path(__file__).with_name("openapi-3.1.schema.json").read_text())


@pytest.fixture
async def document(api: Api) -> Document:
    """The document as it is served."""
    return await document_of(api)


class TestDocument:
    async def test_it_is_openapi(self, document: Document) -> None:
        jsonschema_rs.validator_for(META_SCHEMA).validate(document)
        for schema in document["components"]["schemas"].values():
            jsonschema_rs.meta.validate(schema)

    async def test_every_reference_leads_somewhere(self, document: Document) -> None:
        for reference in re.findall(r'"\$ref": "([^"]+)"', json.dumps(document)):
            found = document
            for part in reference.removeprefix("#/").split("/"):
                found = found[part]

    async def test_every_operation_is_described(self, document: Document) -> None:
        tags = {tag["name"] for tag in document["tags"]}
        assert not [
            f"{name}: {complaint}"
            for name, operation in operations(document)
            for complaint in complaints(operation, tags)
        ]

    async def test_operations_have_names_of_their_own(self, document: Document) -> None:
        names = [operation["operationId"] for _, operation in operations(document)]
        assert len(names) == len(set(names))
        assert {"authLogin", "projectsCreate", "workflowsVersionsRestore"} <= set(names)

    async def test_examples_are_what_their_schemas_admit(self, document: Document) -> None:
        for name, media in bodies(document):
            schema = {**media["schema"], "components": document["components"]}
            found = list(jsonschema_rs.validator_for(schema).iter_errors(media["example"]))
            assert not found, (name, found)

    async def test_examples_say_something(self, document: Document) -> None:
        assert not [
            (name, media["example"])
            for name, media in bodies(document)
            if json.dumps(UNSAID) in json.dumps(media["example"])
        ]

    async def test_what_changes_needs_the_csrf_token_or_a_key(self, document: Document) -> None:
        paths = document["paths"]
        browser: dict[str, list[str]] = {"session": [], "csrf_token": []}
        assert paths[f"{API}/projects"]["post"]["security"] == [browser, {"api_key": []}]
        assert paths[f"{API}/projects"]["get"]["security"] == [{"session": []}, {"api_key": []}]
        assert paths[f"{API}/auth/login"]["post"]["security"] == []

    async def test_headers_are_told_where_they_count(self, document: Document) -> None:
        paths = document["paths"]
        create = paths[f"{API}/workflows"]["post"]
        revise = paths[f"{API}/workflows/{{workflow_id}}"]["put"]
        assert {"$ref": "#/components/parameters/Idempotency-Key"} in create["parameters"]
        assert {"Location", "ETag", "RateLimit-Limit"} <= set(create["responses"]["201"]["headers"])
        assert "If-Match" in [each.get("name") for each in revise["parameters"]]
        assert "409" in revise["responses"]

    async def test_what_may_be_left_out_is_not_sent_by_trying_it_out(
        self, document: Document
    ) -> None:
        shared = document["components"]["parameters"].values()
        stated = [each for _, operation in operations(document) for each in operation["parameters"]]
        for parameter in (*shared, *stated):
            if not parameter.get("required"):
                assert "example" not in parameter

    async def test_a_run_may_have_ended_or_not(self, document: Document) -> None:
        start = document["paths"][f"{API}/workflows/{{workflow_id}}/run"]["post"]
        examples = {
            status: start["responses"][status]["content"]["application/json"]["example"]["status"]
            for status in ("200", "202")
        }
        assert examples == {"200": "completed", "202": "queued"}
        assert start["requestBody"]["required"] is False

    async def test_what_a_hook_is_called_with_is_told(self, document: Document) -> None:
        call = document["paths"][f"{API}/hooks/{{hook_id}}"]["post"]
        assert call["requestBody"]["required"] is False
        assert call["requestBody"]["content"].keys() == {"application/json", "text/plain"}
        assert {"400", "413", "422"} <= call["responses"].keys()
        assert "415" not in call["responses"]

    def test_errors_are_the_ones_the_api_answers_with(self) -> None:
        codes = {status: code for code, status in errors.KINDS.values()}
        codes |= {status: code for status, (code, _) in errors.STATUSES.items()}
        assert {status: refusal.code for status, refusal in REFUSALS.items()} == {
            status: code for status, code in codes.items() if status != 405
        }


def complaints(operation: Document, tags: set[str]) -> Iterator[str]:
    """Yield what an operation does not say."""
    for word in ("summary", "description", "operationId"):
        if not operation.get(word):
            yield f"no {word}"
    if operation["summary"].endswith("."):
        yield "a sentence for a summary"
    if not operation["tags"] or not set(operation["tags"]) <= tags:
        yield "no tag, or one nobody explains"
    if "security" not in operation:
        yield "no security"
    if operation["security"] and not {"401", "403"} <= operation["responses"].keys():
        yield "nobody is refused"
    if not {"500", "503"} <= operation["responses"].keys():
        yield "nothing goes wrong"
    for parameter in operation["parameters"]:
        if "$ref" not in parameter and not parameter["description"]:
            yield f"no description of {parameter['name']}"
    for status, answer in operation["responses"].items():
        for media in answer.get("content", {}).values():
            if "example" not in media:
                yield f"no example of {status}"


class TestExamples:
    async def test_they_tell_a_story_that_works(self, api: Api, document: Document) -> None:
        caller = api.caller()
        await self.play(caller, document, "/auth/register")
        await self.play(caller, document, "/auth/login")
        caller.csrf = (await caller.get("/auth/csrf")).json()["token"]
        project = await self.play(caller, document, "/projects")
        workflow = await self.play(caller, document, "/workflows", project_id=project["id"])
        assert workflow["valid"], workflow["issues"]
        path = f"/workflows/{workflow['id']}/run"
        run = await self.play(caller, document, "/workflows/{workflow_id}/run", path, wait=10)
        assert run["output"] == "Hello, Ada!"

    async def test_whatever_can_be_made_is_made_by_its_example(
        self, api: Api, document: Document
    ) -> None:
        admin = await api.admin()
        project = await admin.project()
        workflow = await admin.workflow(project)
        for template in ("/members", "/api-keys", "/providers"):
            await self.play(admin, document, template)
        for template in ("/secrets", "/tools"):
            await self.play(admin, document, template, project_id=project)
        agent = await self.play(admin, document, "/agents", project_id=project)
        await self.play(admin, document, "/conversations", agent_id=agent["id"])
        for template in ("/schedules", "/hooks"):
            await self.play(admin, document, template, workflow_id=workflow["id"])

    async def play(
        self,
        caller: Caller,
        document: Document,
        template: str,
        path: str | None = None,
        wait: int | None = None,
        **changes: Any,
    ) -> Document:
        """Send the example of a POST and find the answer looking like its example."""
        operation = document["paths"][f"{API}{template}"]["post"]
        body = operation["requestBody"]["content"]["application/json"]["example"]
        query = {} if wait is None else {"wait": wait}
        answer = await caller.post(path or template, {**body, **changes}, params=query)
        assert answer.is_success, answer.text
        shown = operation["responses"][str(answer.status_code)]["content"]["application/json"]
        given: Document = answer.json()
        assert given.keys() == shown["example"].keys()
        return given


class TestRefusals:
    async def test_they_are_documented_wherever_they_are_met(
        self, api: Api, document: Document
    ) -> None:
        admin, stranger = await api.admin(), api.caller()
        unknown = "019ad2f1-5b0e-7c2a-9a44-1f0e6a1c9b11"
        envelope = {"$ref": "#/components/schemas/Error", "components": document["components"]}
        for name, operation in operations(document):
            method, template = name.split(" ")
            path = re.sub(r"{\w+}", unknown, template)
            if path == f"{API}/auth/logout":
                continue  # It would end the session the others need.
            for caller, options in attempts(admin, stranger):
                answer = await caller.client.request(method, path, **options)
                assert str(answer.status_code) in operation["responses"], (name, answer.text)
                if answer.is_error:
                    jsonschema_rs.validator_for(envelope).validate(answer.json())


def attempts(admin: Caller, stranger: Caller) -> Iterator[tuple[Caller, Document]]:
    """Yield ways to get refused."""
    token = {"X-CSRF-Token": admin.csrf or ""}
    yield stranger, {}
    yield stranger, {"headers": {"X-API-Key": "orb_unknown"}}
    yield admin, {}
    yield admin, {"headers": token, "params": {"limit": "many", "wait": "long"}}
    for body in (b"", b"{", b"[]", b"{}", b'{"unknown": 1}'):
        yield admin, {"headers": {**token, "Content-Type": "application/json"}, "content": body}
    yield admin, {"headers": {**token, "Content-Type": "text/plain"}, "content": b"{}"}
    yield admin, {"headers": {**token, "Idempotency-Key": "no good"}, "json": {}}
