"""What templates, expressions and JMESPath give."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orbiter.adapters.templating.minijinja import MinijinjaTemplates
from orbiter.application.ports.templating import TemplateError

TEMPLATES = MinijinjaTemplates()
CONTEXT: dict[str, Any] = {
    "inputs": {
        "n": 3,
        "f": 1.5,
        "name": "Ada",
        "none": None,
        "yes": True,
        "big": 2**70,
        "list": [1, 2, 3],
        "rows": [{"a": 1}, {"a": 2}],
        "deep": {"a": {"b": [{"c": "found"}]}},
        "items": "mine",
        "keys": [1],
        "pop": "up",
    },
    "nodes": {"first": {"output": {"x": 1}}, "skipped": {}},
    "vars": {},
}


def render(template: Any) -> Any:
    return TEMPLATES.render(template, CONTEXT)


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("{{ inputs.n }}", 3),
        ("  {{ inputs.n }}\n", 3),
        ("{{- inputs.n -}}", 3),
        ("{{ inputs.f }}", 1.5),
        ("{{ inputs.none }}", None),
        ("{{ inputs.yes }}", True),
        ("{{ inputs.big }}", 2**70),
        ("{{ inputs.list }}", [1, 2, 3]),
        ("{{ inputs.rows }}", [{"a": 1}, {"a": 2}]),
        ("{{ inputs.name }}", "Ada"),
        ("{{ '}}' }}", "}}"),
        ("{{ {'a': {'b': inputs.n}} }}", {"a": {"b": 3}}),
        ("{{ (1, 2) }}", [1, 2]),
        ("{{ range(3) }}", [0, 1, 2]),
        ("{{ inputs.rows[0].a + inputs.rows[1]['a'] }}", 3),
        ("{{ inputs.n >= 3 and inputs.yes }}", True),
        ("{{ null }}", None),
        ("{{ 'x' if inputs.none }}", None),
    ],
)
def test_an_expression_alone_keeps_its_type(template: str, value: Any) -> None:
    rendered = render(template)
    assert rendered == value
    assert type(rendered) is type(value)


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("plain", "plain"),
        ("", ""),
        ("a line\n", "a line\n"),
        ("n={{ inputs.n }}", "n=3"),
        ("{{ inputs.n }}{{ inputs.n }}", "33"),
        ("{{ inputs.name }} <b>", "Ada <b>"),
        ("{{ inputs.yes }} {{ inputs.none }} {{ 1.5 }}", "true null 1.5"),
        ("{{ inputs.rows }} {{ ['é', none] }}", '[{"a": 1}, {"a": 2}] ["é", null]'),
        ("{{ inputs.deep ~ '!' }}", '{"a": {"b": [{"c": "found"}]}}!'),
        ("{{ range(2) }} {{ inputs.rows | map(attribute='a') }}", "[0, 1] [1, 2]"),
        ("{% if inputs.n > 2 %}many{% else %}few{% endif %}", "many"),
        ("{% for row in inputs.rows %}{{ loop.index }}:{{ row.a }} {% endfor %}", "1:1 2:2 "),
        ("{% for k, v in inputs.deep.a.items() %}{{ k }}{% endfor %}", "b"),
        ("{% set x = inputs.n * 2 %}{{ x }}", "6"),
        ("{# {{ inputs.gone }} #}{% raw %}{{ x }}{% endraw %}", "{{ x }}"),
        ("{ not a tag } {}", "{ not a tag } {}"),
    ],
)
def test_anything_else_is_text(template: str, text: str) -> None:
    assert render(template) == text


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("inputs.n > 2", True),
        ("not inputs.n > 2 or inputs.f < 1", False),
        ("1 < inputs.n <= 3", True),
        ("inputs.name < 'Bo' and inputs.name <= 'Ada'", True),
        ("inputs.list > [1, 2]", True),
        ("inputs.none < 3", True),
        ("inputs.n * 2 >= inputs.list | length + 3", True),
        ("[inputs.n > 2, {'a': (1 if inputs.n < 2 else 0)}]", [True, {"a": 0}]),
        ("inputs.name is number and inputs.name > 2", False),
        ("inputs.list | select('gt', 2) | list", [3]),
    ],
)
def test_what_is_of_one_kind_has_an_order(expression: str, value: Any) -> None:
    assert TEMPLATES.evaluate(expression, CONTEXT) == value


@pytest.mark.parametrize(
    "template",
    [
        "{{ inputs.name > 18 }}",
        "{{ inputs.yes and 18 <= inputs.name }}",
        "{{ 1 < 2 < inputs.name }}",
        "{{ [not (inputs.name < 3)] }}",
        "{{ inputs.list < 3 }}",
        "{{ inputs.deep > inputs.name }}",
        "{% if inputs.name > 18 %}grown{% endif %}",
        "{% for x in inputs.list if x > 'a' %}{% endfor %}",
        "{% set x = inputs.name > 18 %}",
    ],
)
def test_what_is_of_two_kinds_has_none(template: str) -> None:
    with pytest.raises(TemplateError, match="can't be compared with"):
        render(template)


def test_texts_are_found_however_deep() -> None:
    template = {"a": ["{{ inputs.n }}", {"b": "n={{ inputs.n }}", "c": None}], "d": 1.5}
    assert render(template) == {"a": [3, {"b": "n=3", "c": None}], "d": 1.5}


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("inputs.name | upper", "ADA"),
        ("inputs.gone | default('x')", "x"),
        ("inputs.list | join(', ')", "1, 2, 3"),
        ("inputs.list | length", 3),
        ("2.567 | round(1)", 2.6),
        ("'7' | int", 7),
        ("'1.5' | float", 1.5),
        ("inputs.list | sum", 6),
        ("inputs.list | first", 1),
        ("inputs.list | last", 3),
        ("inputs.list | sort(reverse=true)", [3, 2, 1]),
        ("inputs.rows | map(attribute='a') | list", [1, 2]),
        ("inputs.rows | selectattr('a', 'eq', 2) | list", [{"a": 2}]),
        ("inputs.rows | tojson", '[{"a": 1}, {"a": 2}]'),
        ("{'q': '<é>'} | tojson", '{"q": "<é>"}'),
        ("inputs.deep | items | list", [["a", {"b": [{"c": "found"}]}]]),
        ("'a,b'.split(',')", ["a", "b"]),
        ("inputs.name.lower()", "ada"),
        ("inputs.deep.get('gone', 5)", 5),
        ("2 in inputs.list", True),
        ("'a' in inputs.deep", True),
        ("inputs.list == [1, 2, 3]", True),
        ("inputs.deep == inputs.deep", True),
        ("inputs.gone is defined", False),
        ("inputs.list[1:]", [2, 3]),
        ("inputs.n * inputs.f - 2 ** 3 * 0.5", 0.5),
        ("'ab' * 2", "abab"),
        ("'%s!' | format(inputs.name)", "Ada!"),
    ],
)
def test_the_usual_filters_methods_and_operators_are_there(expression: str, value: Any) -> None:
    assert TEMPLATES.evaluate(expression, CONTEXT) == value


def test_braces_around_a_bare_expression_are_tolerated() -> None:
    assert TEMPLATES.evaluate(" {{ inputs.n > 1 }} ", CONTEXT) is True


@pytest.mark.parametrize(
    ("template", "name"),
    [
        ("{{ inputs.gone }}", "inputs.gone"),
        ("{{ gone }}", "gone"),
        ("{{ gone.deeper }}", "gone"),
        ("{{ nodes.typo.output }}", "nodes.typo"),
        ("{{ nodes.skipped.output }}", "nodes.skipped.output"),
        ("{{ nodes.first.output.y }}", "nodes.first.output.y"),
        ("{{ inputs.deep.a.gone.b }}", "inputs.deep.a.gone"),
        ("{{ inputs.none.x }}", "inputs.none.x"),
        ("{{ inputs.list[9] }}", "inputs.list[9]"),
        ("{{ nodes['typo'].output }}", "nodes['typo']"),
        ("{{ vars.x }}", "vars.x"),
        ("text {{ inputs.gone }}", "inputs.gone"),
        ("{{ [inputs.gone] }}", "inputs.gone"),
        ("{{ {'a': inputs.gone} }}", "inputs.gone"),
        ("{{ inputs.gone | tojson }}", "inputs.gone"),
        ("text {{ inputs.gone | tojson }}", "inputs.gone"),
        ("{{ inputs.gone | length }}", "inputs.gone"),
        ("{{ inputs.gone | upper }}", "inputs.gone"),
        ("{{ inputs.gone == 1 }}", "inputs.gone"),
        ("{{ inputs.yes and inputs.gone < 1 }}", "inputs.gone"),
        ("{{ inputs.gone if true else 1 }}", "inputs.gone"),
        ("{{ inputs.gone or 3 }}", "inputs.gone"),
        ("{% for x in inputs.gone %}{% endfor %}", "inputs.gone"),
        ("{% set x = inputs.gone %}{{ x }}", "inputs.gone"),
        ("{% if inputs.gone %}{% endif %}", "inputs.gone"),
        ({"a": ["{{ inputs.gone }}"]}, "inputs.gone"),
    ],
)
def test_a_name_that_does_not_exist_is_an_error_that_says_which(template: Any, name: str) -> None:
    with pytest.raises(TemplateError) as error:
        render(template)
    assert error.value.message == f"`{name}` is undefined"


IDS = {"a-1": 5, "7": 7, "3f2a-9b": 8, "1e-5": 9, "plain": 2}


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("{{ nodes.a-1.output }}", 5),
        ("{{ nodes.7.output * nodes.3f2a-9b.output }}", 56),
        ("{{ nodes.1e-5.output }}", 9),
        ("n={{ nodes.a-1.output }}", "n=5"),
        ("{{ nodes.plain.output-1 }}", 1),
        ("{{ nodes.plain.output - nodes.7.output }}", -5),
        ("{{ nodes['a-1'].output }}", 5),
    ],
)
def test_a_nodes_id_need_not_be_a_name(template: str, value: Any) -> None:
    context = {"nodes": {id: {"output": output} for id, output in IDS.items()}}
    assert TEMPLATES.render(template, context) == value


def test_names_that_may_be_missing_are_no_error() -> None:
    assert render("{{ inputs.gone | default([]) | length }}") == 0
    assert render("{% if inputs.gone is defined %}{{ inputs.gone }}{% endif %}ok") == "ok"
    assert render("{{ inputs.yes or inputs.gone }}") is True


@pytest.mark.parametrize("name", ["items", "keys", "pop"])
def test_data_is_found_under_the_names_of_methods(name: str) -> None:
    assert render(f"{{{{ inputs.{name} }}}}") == CONTEXT["inputs"][name]


@pytest.mark.parametrize(
    ("template", "part"),
    [
        ("{{ 1 + }}", "Syntax error"),
        ("{{ 1", "does not end"),
        ("{% if true %}", "Syntax error"),
        ("{{ }}", "Syntax error"),
        ("{{ 1 ! 2 }}", "'!'"),
        ("{{ 1 | nosuch }}", "nosuch"),
        ("{{ nosuch() }}", "nosuch"),
        ("{{ 1 / 0 }}", "1 / 0"),
        ("{{ 'a' + 1 }}", "string and number"),
        ("{{ 1e308 * 10 }}", "inf"),
        ("{{ inputs.deep.keys if true else 1 }}", "JSON"),
    ],
)
def test_what_can_not_be_rendered_is_an_error_that_says_why(template: str, part: str) -> None:
    with pytest.raises(TemplateError) as error:
        render(template)
    assert part in error.value.message


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text()
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(json_values)
def test_any_value_of_json_comes_out_as_it_went_in(value: Any) -> None:
    context = {"inputs": {"value": value}}
    assert TEMPLATES.render("{{ inputs.value }}", context) == value
    wrapped = TEMPLATES.render("{{ [inputs.value, {'a': inputs.value}] }}", context)
    assert wrapped == [value, {"a": value}]


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_text_with_no_tag_in_it_is_left_alone(text: str) -> None:
    if not any(tag in text for tag in ("{{", "{%", "{#")):
        assert TEMPLATES.render(text, {}) == text


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("inputs.rows[*].a", [1, 2]),
        ("inputs.rows[?a > `1`] | [0].a", 2),
        ("length(inputs.list)", 3),
        ("{name: inputs.name, n: nodes.first.output.x}", {"name": "Ada", "n": 1}),
        ("inputs.gone.deeper", None),
    ],
)
def test_jmespath_picks(expression: str, value: Any) -> None:
    assert TEMPLATES.pick(expression, CONTEXT) == value


@pytest.mark.parametrize("expression", ["[", "nosuch(@)", "length(inputs.n)", "", "a..b"])
def test_a_jmespath_that_makes_no_sense_is_an_error(expression: str) -> None:
    with pytest.raises(TemplateError, match="JMESPath"):
        TEMPLATES.pick(expression, CONTEXT)
