"""Tools: their names, what each kind may be set to, and those that are built in."""

from datetime import timedelta
from typing import Any

import pytest

from orbiter.adapters.templating.json_schemas import JsonSchemas
from orbiter.application.execution.tools import BEHAVIOURS
from orbiter.domain.builtin_tools import BUILTIN_TOOLS
from orbiter.domain.checks import is_id
from orbiter.domain.errors import Invalid
from orbiter.domain.tools import (
    CONFIG_MAX,
    DESCRIPTION_MAX,
    PARAMETERS_MAX,
    Tool,
    ToolKind,
    config_problems,
    parameters_problems,
)
from support.builders import a_project, a_tool
from support.clock import START


def a(**changes: Any) -> Tool:
    return a_tool(a_project("w"), **changes)


@pytest.mark.parametrize("name", ["a", "look_up-2", "A" * 64, "-", "0"])
def test_names_are_what_models_can_call(name: str) -> None:
    assert a(name=name).name == name


@pytest.mark.parametrize("name", ["", "a b", "a.b", "ä", "a" * 65, "a\n", "\0"])
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(Invalid) as refused:
        a(name=name, description="x" * (DESCRIPTION_MAX + 1))
    assert [each.type for each in refused.value.problems] == [
        "string_pattern_mismatch",
        "string_too_long",
    ]


def test_a_change_gives_a_checked_tool_with_its_time() -> None:
    later = START + timedelta(days=1)
    tool = a()
    changed = tool.revise(at=later, name="other", enabled=False)
    assert (changed.name, changed.enabled, changed.updated_at) == ("other", False, later)
    assert (tool.name, tool.updated_at) == (tool.id, START)
    with pytest.raises(Invalid):
        tool.revise(at=later, name="no good")


@pytest.mark.parametrize(
    ("kind", "config", "wrong"),
    [
        (ToolKind.PYTHON, {"code": "def f(): pass"}, {}),
        (ToolKind.PYTHON, {}, {"config.code": "missing"}),
        (ToolKind.PYTHON, {"code": 1, "x": 2}, {"config.code": "string_type"}),
        (ToolKind.HTTP, {"url": "https://a"}, {}),
        (ToolKind.HTTP, {}, {"config.url": "missing"}),
        (ToolKind.HTTP, {"url": "u", "method": "BREW"}, {"config.method": "enum"}),
        (ToolKind.HTTP, {"url": "u", "timeout_seconds": 0}, {"config.timeout_seconds": "greater"}),
        (ToolKind.HTTP, {"url": "u", "timeout_seconds": 301}, {"config.timeout_seconds": "less"}),
        (
            ToolKind.HTTP,
            {"url": "{{ arguments.u }}", "auth": {"type": "bearer"}},
            {"config.auth.token": "missing"},
        ),
        (ToolKind.HTTP, {"url": "HTTP://u", "auth": {"type": "none"}}, {}),
        (ToolKind.HTTP, {"url": " {% if arguments.a %}https://u{% endif %}"}, {}),
        (ToolKind.HTTP, {"url": ""}, {"config.url": "value_error"}),
        (ToolKind.HTTP, {"url": "u/{{ arguments.u }}"}, {"config.url": "value_error"}),
        (ToolKind.HTTP, {"url": "file:///etc/passwd"}, {"config.url": "value_error"}),
        (ToolKind.HTTP, {"url": "https://u\0"}, {"config": "value_error"}),
        (ToolKind.HTTP, {"url": "https://" + "u" * CONFIG_MAX}, {"config": "value_error"}),
        (ToolKind.WORKFLOW, {"workflow_id": "w", "version": 3}, {}),
        (ToolKind.WORKFLOW, {"version": 0}, {"config.workflow_id": "missing"}),
        (ToolKind.AGENT, {"agent_id": "a", "version": 1.5}, {"config.version": "int_type"}),
        (ToolKind.MCP, {"url": "u", "headers": {"a": 1}}, {"config.headers.a": "string_type"}),
        (ToolKind.MCP, {"url": "u", "command": "sh"}, {"config.command": "extra_forbidden"}),
    ],
)
def test_each_kind_has_its_settings(
    kind: ToolKind, config: dict[str, Any], wrong: dict[str, str]
) -> None:
    found = {each.field: each.type for each in config_problems(kind, config)}
    assert found.keys() >= wrong.keys() and bool(found) == bool(wrong)
    assert all(found[field].startswith(type) for field, type in wrong.items())


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ({}, "parameters.type"),
        ({"type": "array"}, "parameters.type"),
        ({"type": ["object"]}, "parameters.type"),
        ({"type": "object", "title": "x" * PARAMETERS_MAX}, "parameters"),
        ({"type": "object", "title": "\0"}, "parameters"),
    ],
)
def test_arguments_are_an_object_of_a_bounded_schema(
    parameters: dict[str, Any], field: str
) -> None:
    assert [each.field for each in parameters_problems(parameters)] == [field]
    assert list(parameters_problems({"type": "object"})) == []


def test_a_server_is_told_from_what_it_offers() -> None:
    server = a(kind=ToolKind.MCP, config={"url": "u"})
    offered = a(kind=ToolKind.MCP, config={"url": "u", "server_id": server.id, "tool": "t"})
    assert (server.is_server, server.server_id) == (True, None)
    assert (offered.is_server, offered.server_id) == (False, server.id)
    assert (a().is_server, a().server_id) == (False, None)


def test_those_built_in_are_sound_and_all_do_something() -> None:
    names = [tool.name for tool in BUILTIN_TOOLS.values()]
    assert len(set(names)) == len(names)
    for id, tool in BUILTIN_TOOLS.items():
        assert (tool.id, is_id(id), tool.project_id) == (id, True, None)
        assert list(tool.problems()) == []
        assert JsonSchemas().complaints(tool.parameters) == []
        assert tool.name in BEHAVIOURS


def test_those_built_in_have_fixed_ids() -> None:
    ids = {tool.name: int(tool.id[-12:], 16) for tool in BUILTIN_TOOLS.values()}
    assert ids == {
        "http_request": 1,
        "calculator": 2,
        "current_time": 3,
        "run_python": 4,
        "web_search": 5,
        "read_file": 6,
        "write_file": 7,
        "list_files": 8,
    }
