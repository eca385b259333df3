"""What docs/agents.md shows gives what it says, and it leaves no setting out."""

import json
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from orbiter.domain.agents import (
    AgentSettings,
    AgentStatus,
    Guardrails,
    Memory,
    MemoryType,
    Personal,
)
from orbiter.domain.runs import StepKind
from support.api import Caller, running

PAGE = (Path(__file__).parents[2] / "docs" / "agents.md").read_text()
EXAMPLES = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)


async def created(caller: Caller, project: str, body: Any, others: dict[str, str]) -> str:
    """Create an agent; `<Name>` in the body is the id of another."""
    text = json.dumps(body)
    for name, id in others.items():
        text = text.replace(f'"<{name}>"', f'"{id}"')
    return str((await caller.agent(project, **json.loads(text)))["id"])


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 4


@pytest.mark.parametrize("example", [*map(json.loads, EXAMPLES)])
async def test_an_example_gives_what_stands_under_it(example: dict[str, Any]) -> None:
    async with running() as api:
        caller = await api.admin()
        project = await caller.project()
        others = {
            each["name"]: await created(caller, project, each, {})
            for each in example.get("others", ())
        }
        agent = await created(caller, project, example["agent"], others)
        answer = await caller.post(f"/agents/{agent}/run?wait=20", {"input": example["input"]})
        run = (await caller.get(f"/runs/{answer.json()['id']}")).json()
    assert (run["error"], run["output"]) == (None, example["output"])
    calls = [step for step in run["steps"] if step["kind"] != StepKind.NODE]
    assert [f"{step['kind']} {step['name']}" for step in calls] == example["calls"]


def test_every_setting_is_documented() -> None:
    named = set(re.findall(r"`(\w+)`", " ".join(re.findall(r"^\| (.*?) \|", PAGE, re.MULTILINE))))
    settings = {each.name for each in fields(AgentSettings)}
    guards = {each.name for each in fields(Guardrails)}
    assert settings | guards | {*MemoryType} <= named
    for word in (*AgentStatus, *Personal, *(each.name for each in fields(Memory))):
        assert f"`{word}`" in PAGE or f"{{{word}, " in PAGE or f", {word}}}" in PAGE, word
