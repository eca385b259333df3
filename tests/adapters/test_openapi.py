"""Descriptions of services: what is made of them, and of those that mean no good."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orbiter.adapters.openapi.reader import OpenApiDescriptions
from orbiter.adapters.system.ids import new_id
from orbiter.adapters.templating.json_schemas import JsonSchemas
from orbiter.application.ports.service_descriptions import DOCUMENT_MAX, Operation
from orbiter.domain.errors import Invalid
from orbiter.domain.tools import PARAMETERS_MAX, Tool, ToolKind, name_problems
from support.builders import a_project, a_tool
from support.services import NOTES_3_1, SHOP_3_0, a_service

SCHEMAS: Final = JsonSchemas()
READER: Final = OpenApiDescriptions(SCHEMAS)


async def read(document: Any, **wishes: Any) -> dict[str, Operation]:
    """Return the operations of a document by id."""
    return {each.id: each for each in await READER.operations(document, **wishes)}


async def wrong(document: Any, **wishes: Any) -> dict[str, str]:
    """Return what a document is refused for, by place."""
    with pytest.raises(Invalid) as refused:
        await READER.operations(document, **wishes)
    return {each.field: each.message for each in refused.value.problems}


def with_query(schema: Any, **more: Any) -> dict[str, Any]:
    parameter = {"name": "q", "in": "query", "schema": schema}
    return a_service({"operationId": "find", "parameters": [parameter]}, **more)


async def argument(schema: Any, **more: Any) -> Any:
    """Return what a schema of an argument becomes."""
    return (await read(with_query(schema, **more)))["find"].parameters["properties"]["q"]


def as_tool(operation: Operation) -> Tool:
    return a_tool(
        a_project(new_id()),
        kind=ToolKind.HTTP,
        name=operation.name,
        parameters=operation.parameters,
        config=operation.config,
    )


class TestDocuments:
    async def test_every_operation_is_a_request_of_a_tool(self) -> None:
        operations = await read(SHOP_3_0)
        assert list(operations) == ["orders.get", "orders.put", "GET /ping"]
        assert [each.name for each in operations.values()] == [
            "orders_get",
            "orders_put",
            "get_ping",
        ]
        assert operations["orders.get"].description == (
            "Gives an order\n\nWith its items, if they are asked for."
        )
        assert operations["orders.get"].config == {
            "method": "GET",
            "url": "http://shop.test/v1/orders/{{ arguments.orderId }}",
            "query": {
                "expand": "{{ arguments.expand }}",
                "fields": '{{ arguments.fields | join(",") }}',
                "filter[state]": '{{ arguments.filter["state"] }}',
                "filter[from]": '{{ arguments.filter["from"] }}',
            },
            "headers": {
                "X-Trace": '{{ arguments["X-Trace"] }}',
                "X-Shop-Key": "{{ secrets.SHOP_TEST_SHOP_KEY_1FA36684AC060498 }}",
            },
        }
        assert operations["GET /ping"].config == {
            "method": "GET",
            "url": "http://shop.test/v1/ping",
        }
        assert not [problem for each in operations.values() for problem in as_tool(each).problems()]

    async def test_schemas_of_3_0_become_json_schema(self) -> None:
        order = (await read(SHOP_3_0))["orders.put"].parameters
        item = {
            "type": "object",
            "properties": {
                "sku": {"type": "string", "pattern": "^[A-Z]+$"},
                "colour": {"type": ["string", "null"], "enum": ["red", "blue", None]},
                # Here it comes round again.
                "parts": {"type": "array", "items": {"type": "object"}},
            },
        }
        assert order == {
            "type": "object",
            "properties": {
                "orderId": {"description": "Its number", "type": "string", "maxLength": 40},
                "body": {
                    "description": "The order as it is to be",
                    "type": "object",
                    "required": ["note", "items"],
                    "properties": {
                        "note": {"type": ["string", "null"]},
                        "discount": {"type": "number", "exclusiveMinimum": 0},
                        "items": {"type": "array", "items": item},
                        "gift": {"anyOf": [{"allOf": [item]}, {"type": "null"}]},
                    },
                },
            },
            "required": ["orderId", "body"],
            "additionalProperties": False,
        }

    async def test_arguments_of_one_name_are_told_apart(self) -> None:
        note = (await read(NOTES_3_1, base_url="http://notes.test"))["note"]
        assert list(note.parameters["properties"]) == ["id", "id_query", "body", "body_body"]
        assert note.parameters["required"] == ["id", "id_query"]
        assert note.config == {
            "method": "POST",
            "url": "http://notes.test/api/notes/{{ arguments.id }}",
            "query": {"id": "{{ arguments.id_query }}", "body": "{{ arguments.body }}"},
            "headers": {"content-type": "application/json"},
            "body": "{{ arguments.body_body | tojson }}",
            "auth": {
                "type": "basic",
                "username": "{{ secrets.NOTES_TEST_BASIC_9DFF4DC270FB4FA6_USERNAME }}",
                "password": "{{ secrets.NOTES_TEST_BASIC_9DFF4DC270FB4FA6_PASSWORD }}",
            },
        }

    @pytest.mark.parametrize(
        ("name", "own", "written"),
        [
            ("page-size", "page-size", 'arguments["page-size"]'),
            ("since.year", "since.year", 'arguments["since.year"]'),
            ("2fa", "2fa", 'arguments["2fa"]'),
            ("_id", "_id", "arguments._id"),
            ("$filter", "filter", "arguments.filter"),
            ("ids[]", "ids", "arguments.ids"),
            ("größe", "gr_e", "arguments.gr_e"),
            ("名", "query", "arguments.query"),
        ],
    )
    async def test_arguments_keep_their_names_where_models_can_write_them(
        self, name: str, own: str, written: str
    ) -> None:
        parameter = {"name": name, "in": "query", "schema": {"type": "string"}}
        (found,) = await READER.operations(a_service({"parameters": [parameter]}))
        assert list(found.parameters["properties"]) == [own]
        assert found.config["query"] == {name: f"{{{{ {written} }}}}"}

    async def test_what_stands_beside_a_reference_counts_in_3_1(self) -> None:
        note = (await read(NOTES_3_1, base_url="http://notes.test"))["note"]
        assert note.parameters["properties"]["body_body"] == {
            "type": ["object", "null"],
            "properties": {
                "kind": {"const": "note"},
                "text": {"type": "string", "description": "Of the note", "examples": ["Hello"]},
            },
            "additionalProperties": False,
        }

    async def test_only_what_is_wanted_is_read(self) -> None:
        document = a_service({"operationId": "a"}, {"operationId": "b"}, {"parameters": "broken"})
        assert list(await read(document, wanted=["b", "GET /0"])) == ["a", "b"]
        assert await wrong(document, wanted=["a", "c"]) == {
            "operations.1": "The document has no such operation"
        }

    @pytest.mark.parametrize(
        ("server", "base_url", "origin", "url"),
        [
            ("https://a.test/v1/", None, None, "https://a.test/v1/0"),
            ("https://a.test/v1", "http://b.test/x", None, "http://b.test/x/0"),
            ("/v1", "https://b.test/x", "https://c.test/", "https://b.test/v1/0"),
            ("/", "https://b.test/x", None, "https://b.test/x/0"),
            (None, "https://b.test/x/", None, "https://b.test/x/0"),
            ("v1", None, "https://c.test/docs/openapi.yaml", "https://c.test/docs/v1/0"),
            (None, None, "https://c.test/docs/openapi.yaml", "https://c.test/0"),
        ],
    )
    async def test_where_the_service_is(
        self, server: str | None, base_url: str | None, origin: str | None, url: str
    ) -> None:
        document = a_service({}, servers=[{"url": server}] if server else [])
        (found,) = await READER.operations(document, base_url=base_url, origin=origin)
        assert found.config["url"] == url

    async def test_an_operations_own_server_comes_first(self) -> None:
        (found,) = await READER.operations(a_service({"servers": [{"url": "https://own.test"}]}))
        assert found.config["url"] == "https://own.test/0"

    async def test_names_are_told_apart_and_fit_for_tools(self) -> None:
        ids = ["a b", "a.b", "ä" * 3, "x" * 90, "x" * 80]
        document = a_service(*({"operationId": id} for id in ids), {})
        names = [each.name for each in await READER.operations(document)]
        assert names[:3] == ["a_b", "a_b_2", "get"]
        assert len(set(names)) == 6 and not [p for name in names for p in name_problems(name)]

    @pytest.mark.parametrize(
        ("scheme", "config"),
        [
            ({"type": "http", "scheme": "bearer"}, {"auth": {"type": "bearer", "token": 0}}),
            ({"type": "oauth2", "flows": {}}, {"auth": {"type": "bearer", "token": 0}}),
            ({"type": "apiKey", "in": "query", "name": "k"}, {"query": {"k": 0}}),
        ],
    )
    async def test_security_becomes_templates_over_secrets(
        self, scheme: Any, config: dict[str, Any]
    ) -> None:
        document = a_service(
            {"security": [{"s": []}]}, components={"securitySchemes": {"s": scheme}}
        )
        (found,) = await READER.operations(document)
        secret = "{{ secrets.SERVICE_TEST_S_4B5722ADE5AA757A }}"
        expected = {
            part: {name: value or secret for name, value in values.items()}
            for part, values in config.items()
        }
        assert {part: found.config[part] for part in config} == expected

    async def test_given_credentials_stand_in_for_the_documents(self) -> None:
        auth = {"type": "header", "name": "x-key", "value": "{{ secrets.MINE }}"}
        operations = await read(SHOP_3_0, auth=auth, wanted=["orders.get"])
        config = operations["orders.get"].config
        assert config["auth"] == auth and list(config["headers"]) == ["X-Trace"]

    async def test_no_document_is_given_the_secrets_of_another_service(self) -> None:
        schemes = {"SHOP_TEST_SHOP_KEY": {"type": "http", "scheme": "bearer"}}
        document = a_service(
            {"security": [{"SHOP_TEST_SHOP_KEY": []}]},
            servers=[{"url": "https://evil.test"}],
            components={"securitySchemes": schemes},
        )
        (found,) = await READER.operations(document)
        assert found.config["auth"]["token"].startswith("{{ secrets.EVIL_TEST_SHOP_TEST_SHOP_KEY_")

    async def test_services_that_look_alike_in_capitals_share_no_secret(self) -> None:
        pairs = [
            ("api.example.org", "shop_key"),
            ("api-example.org", "shop_key"),
            ("api.example-org", "shop_key"),
            ("api.example", "org_shop_key"),
            ("api.example.org", "shop-key"),
            ("a" * 63 + ".test", "one"),
            ("a" * 63 + ".test", "two"),
        ]
        tokens = set()
        for host, name in pairs:
            document = a_service(
                {"security": [{name: []}]},
                servers=[{"url": f"https://{host}"}],
                components={"securitySchemes": {name: {"type": "http", "scheme": "bearer"}}},
            )
            (found,) = await READER.operations(document)
            tokens.add(found.config["auth"]["token"])
        assert len(tokens) == len(pairs)

    async def test_patterns_that_can_not_be_checked_are_left_out(self) -> None:
        assert await argument({"type": "string", "pattern": "[", "maxLength": 3}) == {
            "type": "string",
            "maxLength": 3,
        }

    async def test_yaml_is_that_of_1_2(self) -> None:
        text = """
            openapi: 3.1.0
            servers: [{url: http://a.test}]
            paths:
              /on: &on
                get: {operationId: on, parameters: [{in: query, name: n, schema: {enum: [no, 007,
                  2026-01-01, 1e3, 0x1f, ~, true, "true"]}}]}
              /off: *on
        """
        operations = await READER.operations(text, wanted=["GET /on"])
        assert operations[0].parameters["properties"]["n"]["enum"] == [
            "no",
            "007",
            "2026-01-01",
            1000.0,
            "0x1f",
            None,
            True,
            "true",
        ]


class TestRefusals:
    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("", "should be an object"),
            ("- 1", "should be an object"),
            ('{"a": 1', "can't be read"),
            ("a: b: c", "line 1"),
            ('{"a": NaN}', "JSON values"),
            ('{"a": "\\ud800"}', "JSON values"),
            ("a: " + "[" * 100_000, "deeper than 64"),
            ("- " * 100_000, "deeper than 64"),
            ('{"a":' * 100_000, "deeper than 64"),
            ('{"a":' + "[" * 70 + "]" * 70 + "}", "deeper than 64"),
            ("a: &a [*a]", "stands for nothing"),
            ("b: *a", "stands for nothing"),
            ("<<: {a: 1}", "merge"),
            ("? [a]\n: b", "key should be a text"),
            ("a: 1\n---\nb: 2", "one document"),
            ("!!python/object/apply:os.system [ls]", "tag"),
            ("a: !!binary aGk=", "tag"),
            ("a: !mine {}", "tag"),
            ("#" * (DOCUMENT_MAX + 1), "at most 2 MiB"),
        ],
    )
    async def test_what_is_no_document_is_told(self, text: str, message: str) -> None:
        assert message in (await wrong(text))["document"]

    async def test_aliases_do_not_blow_up(self) -> None:
        lines = ["a0: &a0 [" + ",".join("x" * 9 for _ in range(9)) + "]"]
        for level in range(1, 12):
            lines.append(f"a{level}: &a{level} [{','.join([f'*a{level - 1}'] * 9)}]")
        begun = time.monotonic()
        assert "aliases" in (await wrong("\n".join(lines)))["document"]
        assert time.monotonic() - begun < 1

    @pytest.mark.parametrize("version", ["2.0", "3.2.0", "4", "3", None])
    async def test_other_versions_are_refused(self, version: Any) -> None:
        assert await wrong(a_service({}, openapi=version)) == {
            "document.openapi": "OpenAPI of version 3.0 or 3.1 is read"
        }

    async def test_swagger_is_told_what_to_become(self) -> None:
        assert await wrong({"swagger": "2.0", "paths": {}}) == {
            "document.swagger": "Swagger is not read: convert it to OpenAPI 3.0 or 3.1"
        }

    @pytest.mark.parametrize(
        ("operation", "place"),
        [
            ({"parameters": {}}, "parameters"),
            ({"parameters": ["x"]}, "parameters.0"),
            ({"parameters": [{"name": "c", "in": "cookie", "required": True}]}, "parameters.0"),
            ({"parameters": [{"name": "c", "in": "body"}]}, "parameters.0"),
            ({"parameters": [{"name": "a b", "in": "header"}]}, "parameters.0.name"),
            (
                {"parameters": [{"name": "a", "in": "path", "style": "matrix"}]},
                "parameters.0.style",
            ),
            ({"parameters": [{"$ref": "#/nowhere"}]}, "parameters.0.$ref"),
            ({"parameters": [{"$ref": "http://127.0.0.1/x"}]}, "parameters.0.$ref"),
            ({"parameters": [{"$ref": "file:///etc/passwd"}]}, "parameters.0.$ref"),
            ({"parameters": [{"name": "q", "in": "query", "schema": {"type": 5}}]}, ""),
            (
                {"requestBody": {"required": True, "content": {"text/csv": {}}}},
                "requestBody.content",
            ),
            ({"security": [{"unknown": []}]}, "security.0"),
            ({"servers": [{"url": "ftp://a.test"}]}, "servers.0.url"),
            ({"servers": [{"url": "http://user:pass@a.test"}]}, "servers.0.url"),
            ({"servers": [{"url": "http://{x}.test"}]}, "servers.0.url"),
            ({"servers": [{"url": "http://[/"}]}, "servers.0.url"),
            ({"summary": 5}, "summary"),
        ],
    )
    async def test_the_place_that_is_wrong_is_told(self, operation: Any, place: str) -> None:
        found = await wrong(a_service(operation))
        assert list(found) == [f"document.paths./0.get.{place}".rstrip(".")]

    async def test_everything_wrong_is_told_at_once(self) -> None:
        bad = {"parameters": [{"name": "c", "in": "cookie", "required": True}]}
        assert len(await wrong(a_service(bad, {}, bad))) == 2

    async def test_a_path_needs_its_parameters(self) -> None:
        document = {**a_service(), "paths": {"/a/{id}": {"get": {}}}}
        found = await wrong(document)
        assert found == {"document.paths./a/{id}.get": "The path parameter id is not described"}

    async def test_security_that_can_not_be_met_needs_credentials(self) -> None:
        schemes = {"s": {"type": "apiKey", "in": "cookie", "name": "c"}}
        document = a_service({"security": [{"s": []}]}, components={"securitySchemes": schemes})
        assert "give `auth`" in (await wrong(document))["document.paths./0.get.security"]
        assert await read(document, auth={"type": "none"})

    @pytest.mark.parametrize("mark", ["{{ secrets.CRM_TOKEN }}", "{% for a in b %}", "{# a #}"])
    async def test_nothing_in_it_is_a_template(self, mark: str) -> None:
        url = a_service({}, servers=[{"url": f"https://evil.test/{mark}"}])
        assert list(await wrong(url)) == ["document.servers.0.url"]
        path = {**a_service(), "paths": {f"/a/{mark}": {"get": {}}}}
        assert list(await wrong(path)) == [f"document.paths./a/{mark}.get"]
        content: dict[str, Any] = {f"application/{mark}+json": {}}
        assert await wrong(a_service({"requestBody": {"content": content}}))
        header = {"name": f"x{mark}", "in": "header"}
        assert await wrong(a_service({"parameters": [header]}))
        key = {"s": {"type": "apiKey", "in": "header", "name": mark}}
        security = a_service({"security": [{"s": []}]}, components={"securitySchemes": key})
        assert await wrong(security)

    async def test_a_template_may_be_the_name_in_a_query_and_stays_one(self) -> None:
        parameter = {"name": "{{ secrets.X }}", "in": "query"}
        (found,) = await READER.operations(a_service({"parameters": [parameter]}))
        assert found.config["query"] == {"{{ secrets.X }}": '{{ arguments["secrets.X"] }}'}

    async def test_schemas_that_double_at_each_step_end_soon(self) -> None:
        schemas: dict[str, Any] = {"A30": {"type": "string"}}
        for at in range(30):
            below = {"$ref": f"#/components/schemas/A{at + 1}"}
            schemas[f"A{at}"] = {"allOf": [below, below]}
        begun = time.monotonic()
        document = with_query({"$ref": "#/components/schemas/A0"}, components={"schemas": schemas})
        assert "64 KiB" in (await wrong(document))["document.paths./0.get"]
        assert time.monotonic() - begun < 1

    async def test_a_long_chain_is_cut_where_it_is_too_deep(self) -> None:
        schemas: dict[str, Any] = {"A999": {"type": "string"}}
        for at in range(999):
            below = {"$ref": f"#/components/schemas/A{at + 1}"}
            schemas[f"A{at}"] = {"type": "object", "properties": {"a": below}}
        found = await argument({"$ref": "#/components/schemas/A0"}, components={"schemas": schemas})
        assert not SCHEMAS.complaints(found)

    async def test_references_that_only_lead_to_each_other_end(self) -> None:
        there = {"a": {"$ref": "#/x/b"}, "b": {"$ref": "#/x/a"}}
        assert await wrong(a_service({"parameters": [{"$ref": "#/x/a"}]}, x=there))
        assert await argument({"$ref": "#/x/a"}, x=there) == {}

    async def test_too_many_operations_need_a_choice(self) -> None:
        document = a_service(*({"operationId": f"o{at}"} for at in range(201)))
        assert "201 are too many" in (await wrong(document))["document.paths"]
        assert len(await read(document, wanted=[f"o{at}" for at in range(200)])) == 200


NAMES: Final = st.sampled_from("ABCD")
REFERENCES: Final = NAMES.map(lambda name: {"$ref": f"#/components/schemas/{name}"})


def _larger(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(
        st.fixed_dictionaries(
            {"type": st.just("object"), "properties": st.dictionaries(NAMES, inner, max_size=3)},
            optional={"nullable": st.booleans(), "additionalProperties": inner},
        ),
        st.fixed_dictionaries({"type": st.just("array"), "items": inner}),
        st.lists(inner, min_size=1, max_size=3).map(lambda each: {"anyOf": each}),
    )


GRAPHS: Final = st.dictionaries(
    NAMES,
    st.recursive(
        st.one_of(REFERENCES, st.sampled_from([{"type": "string"}, {}, True, {"minimum": 1}])),
        _larger,
        max_leaves=8,
    ),
    min_size=4,
    max_size=4,
)


@given(schemas=GRAPHS, version=st.sampled_from(["3.0.0", "3.1.0"]))
def test_however_schemas_refer_to_each_other_they_are_read_whole(
    schemas: Mapping[str, Any], version: str
) -> None:
    """It holds no reference, is a schema, and is bounded; or it is refused as too large."""
    document = with_query(
        {"$ref": "#/components/schemas/A"}, components={"schemas": schemas}, openapi=version
    )
    try:
        (found,) = asyncio.run(READER.operations(document))
    except Invalid as refused:
        assert "64 KiB" in refused.problems[0].message
        return
    assert "$ref" not in str(found.parameters)
    assert not SCHEMAS.complaints(found.parameters)
    assert len(str(found.parameters)) <= 2 * PARAMETERS_MAX
