"""Templates that mean harm: each is refused soon, and changes nothing."""

import copy
import resource
from typing import Any

import pytest

from orbiter.adapters.templating.minijinja import MinijinjaTemplates
from orbiter.application.ports.templating import TemplateError

TEMPLATES = MinijinjaTemplates()
ROWS = [{"a": number} for number in range(2000)]
CONTEXT: dict[str, Any] = {"inputs": {"list": [1, 2], "object": {"a": 1}, "rows": ROWS, "n": 10**9}}


def doubled(step: str, times: int = 60) -> str:
    return "{% set a = [1] %}" + step * times


@pytest.mark.parametrize(
    "template",
    [
        "{% for i in range(100000) %}{% for j in range(100000) %}x{% endfor %}{% endfor %}",
        "{% for i in range(90000) %}{% if inputs.rows == inputs.rows %}{% endif %}{% endfor %}",
        "{% for i in range(90000) %}{% if 'x' in inputs.rows %}{% endif %}{% endfor %}",
        "{% for i in range(9000) %}{{ inputs.rows | tojson }}{% endfor %}",
        "{{ 'a' * 1000000000 }}",
        "{{ [0] * 1000000000 }}",
        "{{ 1000000000 * [0] }}",
        "{{ inputs.list * inputs.n }}",
        "{{ 2 * 3 * inputs.list }}",
        "{{ (inputs.list) * 2 | int }}",
        "{% for x in [0] * 1000000000 %}{% endfor %}",
        "{{ range(1000000000) }}",
        "{{ '%1000000000d' | format(1) }}",
        "{{ '{:>1000000000}'.format(1) }}",
        "{{ 'x' | indent(1000000000) }}",
        "{{ 9 ** 9 ** 9 }}",
        doubled("{% set a = [a, a] %}") + "{{ a }}",
        doubled("{% set a = a + a %}") + "{{ a }}",
        doubled("{% set a = {'x': a, 'y': a} %}") + "{{ a }}",
        doubled("{% for a in [[a, a]] %}", 40) + "{{ a }}" + "{% endfor %}" * 40,
        "{{ 1" + " + 1" * 20_000 + " }}",
        "{{ " + "(" * 20_000 + ")" * 20_000 + " }}",
        "{{ " + "not " * 20_000 + "1 }}",
        "{% if 1 %}" + "{% elif 1 %}" * 5000 + "{% endif %}",
        "{{ inputs.object" + ".a" * 20_000 + " }}",
        "x" * 70_000 + "{{ 1 }}",
        "{{ " + "(1 < " * 60 + "2" + ")" * 60 + " }}",
        "{% for i in range(9000) %}{{ inputs.rows }}{% endfor %}",
    ],
    ids=lambda template: template[:40],
)
def test_what_asks_for_too_much_is_refused(template: str) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(TemplateError):
        TEMPLATES.render(template, CONTEXT)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000, "kilobytes"


@pytest.mark.parametrize(
    "template",
    [
        "{{ ''.__class__ }}",
        "{{ inputs.__class__.__mro__ }}",
        "{{ inputs['__class__'] }}",
        "{{ inputs._data }}",
        "{{ inputs | attr('_data') }}",
        "{{ inputs._meter }}",
        "{{ debug() }}",
        "{{ namespace() }}",
        "{% include '/etc/passwd' %}",
        "{% import 'os' as os %}",
        "{% extends 'base' %}",
        "{% macro f() %}{% endmacro %}",
        "{% for x in [1] recursive %}{{ loop([x]) }}{% endfor %}",
        "{{ inputs.object.items.__self__ }}",
    ],
)
def test_there_is_no_way_out(template: str) -> None:
    with pytest.raises(TemplateError):
        TEMPLATES.render(template, CONTEXT)


@pytest.mark.parametrize(
    "expression",
    [
        "inputs.list.append(1)",
        "inputs.list.clear()",
        "inputs.list.sort()",
        "inputs.object.update({'b': 1})",
        "inputs.object.pop('a')",
        "inputs.object.setdefault('b', 1)",
        "inputs.object.clear()",
        "(inputs.object | attr('clear'))()",
        "inputs.object['pop']('a')",
        "([inputs.object] | map(attribute='clear') | first)()",
        "inputs.rows[0].update({'a': 5})",
        "(inputs.rows | first).clear()",
    ],
)
def test_what_a_template_reads_it_can_not_change(expression: str) -> None:
    before = copy.deepcopy(CONTEXT)
    with pytest.raises(TemplateError):
        TEMPLATES.evaluate(expression, CONTEXT)
    assert CONTEXT == before


@pytest.mark.parametrize(
    "expression",
    [
        "inputs.list" + " | [@, @]" * 60,
        "inputs.list" + " | [@, @][]" * 60,
        "inputs.list" + " | {a: @, b: @}" * 60,
        "(" * 4000,
        "inputs.rows[*]." + "[a, a]" * 2000,
        "@" * 5000,
    ],
    ids=lambda expression: expression[:30],
)
def test_jmespath_is_bounded_too(expression: str) -> None:
    with pytest.raises(TemplateError):
        TEMPLATES.pick(expression, CONTEXT)


def test_a_report_over_thousands_of_rows_is_within_the_bounds() -> None:
    template = "{% for row in inputs.rows %}{{ loop.index }}. {{ row.a * 2 }}\n{% endfor %}"
    assert TEMPLATES.render(template, CONTEXT).count("\n") == 2000
