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
    assert problems["address.zip"] == ("Input should be a valid integer", "int_type")
    assert problems["name"] == ("String should have at least 1 character", "string_too_short")
    assert problems["mail"] == ('"nobody" is not a "email"', "value_error")


@pytest.mark.parametrize(
    ("schema", "value", "message", "type"),
    [
        ({"type": "string"}, 1, "Input should be a valid string", "string_type"),
        ({"type": "number"}, "1", "Input should be a valid number", "float_type"),
        ({"type": "boolean"}, 1, "Input should be a valid boolean", "bool_type"),
        ({"type": "array"}, 1, "Input should be a valid list", "list_type"),
        ({"type": "object"}, 1, "Input should be a valid dictionary", "dict_type"),
        ({"type": "null"}, 1, "Input should be None", "none_required"),
        ({"type": ["null", "string"]}, 1, '1 is not of types "null", "string"', "value_error"),
        ({"minLength": 2}, "a", "String should have at least 2 characters", "string_too_short"),
        ({"maxLength": 1}, "ab", "String should have at most 1 character", "string_too_long"),
        ({"minimum": 2}, 1, "Input should be greater than or equal to 2", "greater_than_equal"),
        ({"maximum": 0.5}, 1, "Input should be less than or equal to 0.5", "less_than_equal"),
        ({"exclusiveMinimum": 1}, 1, "Input should be greater than 1", "greater_than"),
        ({"exclusiveMaximum": 1}, 1, "Input should be less than 1", "less_than"),
        ({"minItems": 1}, [], "List should have at least 1 item", "too_short"),
        ({"maxItems": 0}, [1], "List should have at most 0 items", "too_long"),
        ({"enum": ["a", 1, None]}, "b", "Input should be 'a', 1 or null", "enum"),
        ({"enum": ["a"]}, "b", "Input should be 'a'", "enum"),
        ({"pattern": "^a"}, "b", "String should match pattern '^a'", "string_pattern_mismatch"),
        ({"const": 5}, 1, "5 was expected", "value_error"),
    ],
)
def test_a_problem_is_told_in_pydantics_words(
    schema: dict[str, Any], value: Any, message: str, type: str
) -> None:
    assert told(value, schema) == {"": (message, type)}


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


@pytest.mark.parametrize("text", ["(", "(?=a)b", "(?<!a)b", r"(a)\1", r"\d{1,1000}{1000}", "[z-a]"])
def test_what_is_no_pattern_or_may_take_long_is_told(text: str) -> None:
    assert not JsonSchemas().is_pattern(text)


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        ("secret", "a secret thing", True),
        ("(?i)SECRET$", "a secret", True),
        ("^secret", "a secret", False),
        ("(a+)+$", "a" * 100_000 + "!", False),
        ("", "", True),
    ],
)
def test_a_pattern_is_looked_for_anywhere(pattern: str, text: str, found: bool) -> None:
    assert JsonSchemas().is_pattern(pattern)
    assert JsonSchemas().is_found(pattern, text) is found
