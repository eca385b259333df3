"""JSON Schema."""

from typing import Any

import pytest

from orbiter.adapters.templating.json_schemas import JsonSchemas

SCHEMAS = JsonSchemas()
PERSON = {
    "type": "object",
    "required": ["name", "address"],
    "properties": {
        "name": {"type": "string", "minLength": 1},
        "mail": {"type": "string", "format": "email"},
        "address": {
            "type": "object",
            "default": {},
            "required": ["city"],
            "properties": {"city": {"default": "Paris"}, "zip": {"type": "integer"}},
        },
        "pets": {"type": "array", "items": {"properties": {"kind": {"default": "cat"}}}},
    },
    "additionalProperties": False,
}


def told(value: Any, schema: dict[str, Any] = PERSON) -> dict[str, tuple[str, str]]:
    return {each.field: (each.message, each.type) for each in SCHEMAS.problems(schema, value)}


def test_a_good_value_has_no_problems() -> None:
    assert told({"name": "Ada", "address": {"city": "Rome"}}) == {}


def test_every_problem_is_told_by_its_field() -> None:
    value = {"name": "", "mail": "nobody", "address": {"zip": "x"}, "extra": 1, "pets": 5}
    problems = told(value)
    assert problems.keys() == {"name", "mail", "address.city", "address.zip", "extra", "pets"}
    assert problems["address.city"] == ("Field required", "missing")
    assert problems["extra"] == ("Extra inputs are not permitted", "extra_forbidden")
    assert problems["address.zip"][0] == '"x" is not of type "integer"'


def test_a_value_that_is_wrong_as_a_whole_is_told_without_a_field() -> None:
    assert told([]).keys() == {""}


def test_defaults_fill_what_is_absent_however_deep_and_change_nothing() -> None:
    value = {"name": "Ada", "pets": [{}, {"kind": "dog"}]}
    filled = SCHEMAS.with_defaults(PERSON, value)
    assert filled == {
        "name": "Ada",
        "address": {"city": "Paris"},
        "pets": [{"kind": "cat"}, {"kind": "dog"}],
    }
    assert value == {"name": "Ada", "pets": [{}, {"kind": "dog"}]}
    assert PERSON["properties"]["address"]["default"] == {}  # type: ignore[index]


@pytest.mark.parametrize("value", [None, 5, "x", [1]])
def test_a_value_of_another_type_gets_no_defaults(value: Any) -> None:
    assert SCHEMAS.with_defaults(PERSON, value) == value


def nested(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {}
    for _ in range(levels):
        schema = {"not": schema}
    return schema


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "nonsense"},
        {"properties": 5},
        {"pattern": "("},
        {"$ref": "#/nowhere"},
        {"$ref": "https://schemas.test/person"},
        {"$ref": "file:///etc/passwd"},
        {"$dynamicRef": "http://schemas.test/"},
        {"$id": "http://schemas.test/a", "$ref": "b"},
        {"enum": ["x" * 70_000]},
        nested(300),
    ],
    ids=lambda schema: str(schema)[:30],
)
def test_what_is_no_schema_or_leads_elsewhere_is_refused(schema: dict[str, Any]) -> None:
    (complaint,) = SCHEMAS.complaints(schema)
    assert 0 < len(complaint) <= 300
    assert "passwd:" not in complaint


def test_references_within_the_schema_are_followed() -> None:
    schema = {
        "$ref": "#/$defs/tree",
        "$defs": {"tree": {"type": "array", "items": {"$ref": "#/$defs/tree"}}},
    }
    assert SCHEMAS.complaints(schema) == []
    assert told([[[]], []], schema) == {}
    assert told([[5]], schema).keys() == {"0.0"}
