"""What an agent may be set to, and how it changes."""

from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orbiter.adapters.system.ids import new_id
from orbiter.domain.agents import (
    INLINE_AGENT,
    AgentSettings,
    AgentStatus,
    Guardrails,
    Memory,
    MemoryType,
    Personal,
    settings_of,
)
from orbiter.domain.errors import Invalid
from support.builders import a_project, an_agent
from support.clock import START

LATER: Final = START + timedelta(hours=1)


def wrong(**settings: Any) -> dict[str, str]:
    return {each.field: each.type for each in AgentSettings(**settings).problems()}


def test_what_nothing_is_set_to_is_right() -> None:
    assert wrong() == {}


@pytest.mark.parametrize(
    ("name", "least", "most"),
    [("temperature", 0, 2), ("top_p", 0, 1), ("max_tokens", 1, 10**7), ("max_turns", 1, 100)],
)
def test_numbers_have_bounds(name: str, least: float, most: float) -> None:
    assert wrong(**{name: least}) == wrong(**{name: most}) == {}
    assert wrong(**{name: least - 1}) == {name: "greater_than_equal"}
    assert wrong(**{name: most + 1}) == {name: "less_than_equal"}


@pytest.mark.parametrize(
    ("settings", "field", "type"),
    [
        ({"model": "gpt-4o"}, "model", "value_error"),
        ({"model": "openai:"}, "model", "value_error"),
        ({"model": " :gpt-4o"}, "model", "value_error"),
        ({"model": ""}, "model", "string_too_short"),
        ({"model": "a:" + "b" * 319}, "model", "string_too_long"),
        ({"instructions": "i" * 100_001}, "instructions", "string_too_long"),
        ({"instructions": "\0"}, "instructions", "value_error"),
        ({"tool_choice": "calculator"}, "tool_choice", "enum"),
        ({"tools": ("a", "b", "a")}, "tools.2", "value_error"),
        ({"handoffs": tuple(map(str, range(129)))}, "handoffs", "too_long"),
        ({"memory": Memory(window=0)}, "memory.window", "greater_than_equal"),
        ({"memory": Memory(window=1001)}, "memory.window", "less_than_equal"),
        (
            {"guardrails": Guardrails(max_input_chars=0)},
            "guardrails.max_input_chars",
            "greater_than_equal",
        ),
        (
            {"guardrails": Guardrails(blocked_patterns=("", "a"))},
            "guardrails.blocked_patterns.0",
            "string_too_short",
        ),
        (
            {"guardrails": Guardrails(blocked_patterns=tuple("a" * n for n in range(1, 52)))},
            "guardrails.blocked_patterns",
            "too_long",
        ),
        (
            {"guardrails": Guardrails(redact_pii=(Personal.EMAIL, Personal.EMAIL))},
            "guardrails.redact_pii.1",
            "value_error",
        ),
    ],
)
def test_what_is_wrong_is_told(settings: dict[str, Any], field: str, type: str) -> None:
    assert wrong(**settings) == {field: type}


@pytest.mark.parametrize(
    ("choice", "told"),
    [
        ("required", {}),
        ({"name": "calculator"}, {}),
        ("sometimes", {"agent.tool_choice": "enum"}),
        ({"name": 1}, {"agent.tool_choice.name": "string_type"}),
        ({}, {"agent.tool_choice.name": "missing"}),
    ],
)
def test_a_choice_of_tools_in_a_node_is_checked_as_any(choice: Any, told: dict[str, str]) -> None:
    found = INLINE_AGENT.problems("agent", {"tool_choice": choice})
    assert {each.field: each.type for each in found} == told


def test_everything_that_is_wrong_is_told_at_once() -> None:
    found = wrong(model="x", temperature=3, max_turns=0, memory=Memory(window=0))
    assert found.keys() == {"model", "temperature", "max_turns", "memory.window"}


@pytest.mark.parametrize("name", ["", "n" * 256, "a\0"])
def test_an_agent_has_a_name(name: str) -> None:
    with pytest.raises(Invalid):
        an_agent(a_project(new_id()), name=name)


def test_a_change_is_counted_and_a_version_only_when_it_is_shown() -> None:
    agent = an_agent(a_project(new_id()))
    named = agent.revise(at=LATER, name="Desk", status=AgentStatus.ACTIVE)
    assert (named.name, named.revision, named.version) == ("Desk", 2, 1)
    assert (named.updated_at, named.created_at) == (LATER, START)
    shown = named.show(AgentSettings(max_turns=3))
    assert (shown.version, shown.revision, shown.settings.max_turns) == (2, 2, 3)
    version = shown.snapshot(by="somebody", at=LATER)
    assert (version.agent_id, version.version) == (agent.id, 2)
    assert (version.name, version.settings, version.created_by) == (
        "Desk",
        shown.settings,
        "somebody",
    )


def test_a_copy_is_a_draft_with_a_name_that_fits() -> None:
    agent = replace(
        an_agent(a_project(new_id()), name="n" * 255), status=AgentStatus.ACTIVE, version=7
    )
    copy = agent.copy(id=new_id(), by="somebody", at=LATER)
    assert copy.name == "n" * 248 + " (copy)"
    assert (copy.status, copy.version, copy.revision) == (AgentStatus.DRAFT, 1, 1)
    assert (copy.settings, copy.project_id) == (agent.settings, agent.project_id)
    assert (copy.created_by, copy.created_at, copy.updated_at) == ("somebody", LATER, LATER)


class TestWrittenOut:
    """An agent within a node."""

    @pytest.mark.parametrize(
        ("given", "field"),
        [
            ({"colour": 1}, "agent.colour"),
            ({"temperature": "hot"}, "agent.temperature"),
            ({"temperature": 2.5}, "agent.temperature"),
            ({"max_turns": 101}, "agent.max_turns"),
            ({"tool_choice": {}}, "agent.tool_choice.name"),
            ({"tools": "calculator"}, "agent.tools"),
            ({"guardrails": {"redact_pii": ["name"]}}, "agent.guardrails.redact_pii.0"),
            ({"memory": {}}, "agent.memory"),
        ],
    )
    def test_what_is_wrong_is_told(self, given: dict[str, Any], field: str) -> None:
        assert [each.field for each in INLINE_AGENT.problems("agent", given)] == [field]

    @given(st.sets(st.sampled_from(list(INLINE_AGENT.settings))))
    def test_null_is_as_good_as_nothing(self, names: set[str]) -> None:
        given = dict.fromkeys(names)
        assert list(INLINE_AGENT.problems("agent", given)) == []
        assert settings_of(given) == AgentSettings()

    def test_what_is_right_is_taken_as_it_is(self) -> None:
        given = {
            "instructions": "Be brief.",
            "tools": ["a", "b"],
            "tool_choice": {"name": "a"},
            "output_schema": {"type": "object"},
            "guardrails": {"max_input_chars": 5, "redact_pii": ["iban"]},
        }
        assert list(INLINE_AGENT.problems("agent", given)) == []
        assert settings_of(given) == AgentSettings(
            instructions="Be brief.",
            tools=("a", "b"),
            tool_choice={"name": "a"},
            output_schema={"type": "object"},
            guardrails=Guardrails(max_input_chars=5, redact_pii=(Personal.IBAN,)),
        )

    def test_memory_is_read_back(self) -> None:
        memory = {"type": "window", "window": 3}
        expected = Memory(type=MemoryType.WINDOW, window=3)
        assert settings_of({"memory": memory}).memory == expected
