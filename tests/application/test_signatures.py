"""What a Python tool takes stands in its function's signature."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orbiter.adapters.templating.json_schemas import JsonSchemas
from orbiter.application.execution.tools.signatures import function_of
from orbiter.domain.errors import Invalid

PLAIN = {
    "int": {"type": "integer"},
    "float": {"type": "number"},
    "str": {"type": "string"},
    "bool": {"type": "boolean"},
    "None": {"type": "null"},
    "list": {"type": "array"},
    "dict": {"type": "object"},
    "Any": {},
    "typing.Any": {},
    "t.Literal['a']": {"enum": ["a"]},
    "Literal['a', 'b', 1, -1, True, None]": {"enum": ["a", "b", 1, -1, True, None]},
}
Typed = tuple[str, Any]


def _listed(inner: Typed) -> Typed:
    return f"list[{inner[0]}]", {"type": "array", "items": inner[1]}


def _mapped(inner: Typed) -> Typed:
    return f"dict[str, {inner[0]}]", {"type": "object", "additionalProperties": inner[1]}


def types(deeper: st.SearchStrategy[Typed]) -> st.SearchStrategy[Typed]:
    return deeper.map(_listed) | deeper.map(_mapped)


TYPES = st.recursive(st.sampled_from(sorted(PLAIN.items())), types, max_leaves=5)
LITERALS = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63) + 1, 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


def problems(code: str) -> list[str]:
    with pytest.raises(Invalid) as refusal:
        function_of(code)
    assert {problem.field for problem in refusal.value.problems} == {"config.code"}
    return [problem.message for problem in refusal.value.problems]


def parameter(annotation: str) -> Any:
    properties = function_of(f"def f(x: {annotation}): pass").parameters["properties"]
    return properties["x"]


def test_a_function_is_a_tool() -> None:
    found = function_of(
        '''
import re

_UNITS = {"c": 1}

def _helper(text): return text

def weather(city: str, days: int = 3, *, unit: Literal["c", "f"] = "c", tags: list[str]):
    """Tell the weather.

    For some days.
    """
    raise SystemExit
'''
    )
    assert (found.name, found.description) == ("weather", "Tell the weather.\n\nFor some days.")
    assert found.parameters == {
        "type": "object",
        "properties": {
            "city": {"type": "string"},
            "days": {"type": "integer", "default": 3},
            "unit": {"enum": ["c", "f"], "default": "c"},
            "tags": {"type": "array", "items": {"type": "string"}},
        },
        "required": ["city", "tags"],
        "additionalProperties": False,
    }
    assert JsonSchemas().complaints(found.parameters) == []


def test_a_function_without_parameters_takes_an_empty_object() -> None:
    assert function_of("def now(): return 1").parameters == {
        "type": "object",
        "properties": {},
        "required": [],
        "additionalProperties": False,
    }


def test_what_is_none_by_default_may_be_none() -> None:
    properties = function_of(
        """
def f(a: int = None, b: int | str = None, c: Optional[int] = None, d: Any = None,
      e: Literal["x", None] = None, g: None = None, h: list[int] = None): pass
"""
    ).parameters["properties"]
    null = {"type": "null"}
    number, text = {"type": "integer"}, {"type": "string"}
    assert properties == {
        "a": {"anyOf": [number, null], "default": None},
        "b": {"anyOf": [number, text, null], "default": None},
        "c": {"anyOf": [number, null], "default": None},
        "d": {"default": None},
        "e": {"enum": ["x", None], "default": None},
        "g": {**null, "default": None},
        "h": {"anyOf": [{"type": "array", "items": number}, null], "default": None},
    }


def test_a_parameter_may_be_described() -> None:
    assert parameter('Annotated[int, "How many"]') == {"type": "integer", "description": "How many"}
    assert parameter("typing.Annotated[list[int], Field(gt=1), 'Which', 'more']") == {
        "type": "array",
        "items": {"type": "integer"},
        "description": "Which",
    }
    assert parameter("Annotated[str, 5]") == {"type": "string"}


@given(TYPES)
def test_each_type_has_its_schema(typed: Typed) -> None:
    annotation, schema = typed
    assert parameter(annotation) == schema


@given(st.lists(TYPES, min_size=1, max_size=6))
def test_a_union_is_any_of_its_members(typed: list[Typed]) -> None:
    names, schemas = zip(*typed, strict=True)
    different = [each for index, each in enumerate(schemas) if each not in schemas[:index]]
    expected = different[0] if len(different) == 1 else {"anyOf": different}
    if {} in different:
        expected = {}
    assert parameter(" | ".join(names)) == expected
    assert parameter(f"Union[{', '.join(names)}]") == expected
    assert parameter(f"Optional[{names[0]}]") == parameter(f"{names[0]} | None")


@given(st.dictionaries(st.from_regex(r"[a-z]{3,5}_", fullmatch=True), LITERALS, min_size=1))
def test_defaults_are_told_and_make_a_parameter_optional(defaults: dict[str, Any]) -> None:
    given = ", ".join(f"{name}: Any = {value!r}" for name, value in defaults.items())
    parameters = function_of(f"def f(first: int, {given}): pass").parameters
    assert parameters["required"] == ["first"]
    told = {
        name: each["default"]
        for name, each in parameters["properties"].items()
        if "default" in each
    }
    assert told == defaults
    assert JsonSchemas().complaints(parameters) == []


@given(st.text() | st.text("def f(x:int,)=|[]{}'1\n a", max_size=40))
def test_any_text_is_a_function_or_refused(code: str) -> None:
    try:
        function_of(code)
    except Invalid as refusal:
        assert refusal.problems


KNOWN = (
    "types are int, float, str, bool, None, list, dict, Literal, Any, Optional, Annotated and "
    "unions"
)


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("", ["There is no function; a tool is one, with types"]),
        ("_f = 1\ndef _g(): pass", ["There is no function; a tool is one, with types"]),
        ("class A:\n  def f(self): pass", ["There is no function; a tool is one, with types"]),
        (
            "def f(): pass\n\ndef g(): pass\ndef h(): pass",
            [
                "A tool is one function; begin the names of others with _ (line 3)",
                "A tool is one function; begin the names of others with _ (line 4)",
            ],
        ),
        ("async def f(): pass", ["The function must be a plain one, not async (line 1)"]),
        ("@cached\ndef f(): pass", ["The function can't be decorated (line 1)"]),
        (
            "def é(): pass",
            ["The function's name may have letters of ASCII, digits and _, at most 64 (line 1)"],
        ),
        (
            f"def {'f' * 65}(): pass",
            ["The function's name may have letters of ASCII, digits and _, at most 64 (line 1)"],
        ),
        (
            "def f(a: int, /,\n  b,\n  *c: int,\n  **d: int): pass",
            [
                "'a' can't be given by name (line 1)",
                "'c' stands for any number of parameters (line 3)",
                "'d' stands for any number of parameters (line 4)",
                "'b' has no type (line 2)",
            ],
        ),
        ("def f(a: tuple): pass", [f"'a': {KNOWN} (line 1)"]),
        ("def f(a: 'int'): pass", [f"'a': {KNOWN} (line 1)"]),
        ("def f(a: list[set[int]]): pass", [f"'a': {KNOWN} (line 1)"]),
        ("def f(a: datetime.date): pass", [f"'a': {KNOWN} (line 1)"]),
        ("def f(a: print('run')): pass", [f"'a': {KNOWN} (line 1)"]),
        ("def f(a: list[int, str]): pass", ["'a': list takes one type (line 1)"]),
        (
            "def f(a: dict[int, str]): pass",
            ["'a': dict takes two types, the first one str (line 1)"],
        ),
        ("def f(a: dict[str]): pass", ["'a': dict takes two types, the first one str (line 1)"]),
        ("def f(a: Optional[int, str]): pass", ["'a': Optional takes one type (line 1)"]),
        (
            "def f(a: Literal[1.5]): pass",
            ["'a': Literal takes texts, whole numbers, booleans and None (line 1)"],
        ),
        (
            f"def f(a: {'list[' * 11}int{']' * 11}): pass",
            ["'a': types lie at most 10 levels deep in each other (line 1)"],
        ),
        (
            f"def f(a: {' | '.join(['int'] * 51)}): pass",
            ["'a': a union has at most 50 members (line 1)"],
        ),
        ("def f(a: int) return", ["SyntaxError: expected ':' (line 1)"]),
    ],
)
def test_what_is_no_tool_is_refused_with_its_lines(code: str, told: list[str]) -> None:
    assert problems(code) == told


@pytest.mark.parametrize(
    "default", ["x", "f()", "(1, 2)", "{1}", "b'a'", "{1: 2}", "1e999", "2**3", "1j", str(2**63)]
)
def test_a_default_is_a_literal_that_json_has(default: str) -> None:
    assert problems(f"def f(a: int,\n  b: Any = {default}): pass") == [
        "The default of 'b' is no literal that JSON has (line 2)"
    ]
