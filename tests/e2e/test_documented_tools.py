"""What docs/tools.md shows gives what it says, and it leaves nothing out."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from orbiter.domain.builtin_tools import BUILTIN_TOOLS
from orbiter.domain.tools import CONFIGS, NAME_PATTERN, ToolKind
from support.api import Caller, running

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "tools.md").read_text()
EXAMPLES = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
ROWS = [re.findall(r"`(\w+)`", row) for row in re.findall(r"^\| (`.*)$", PAGE, re.MULTILINE)]
IDS = {tool.name: tool.id for tool in BUILTIN_TOOLS.values()}
OWN = [kind for kind in ToolKind if kind is not ToolKind.BUILTIN]
# Raised by a tool; those of requests and of code are told of on other pages.
CODE = re.compile(r'(?:NodeFailed|ArtifactError|SearchError|_failure)\(\s*"([A-Z_]+)"')
ELSEWHERE = {"HTTP_STATUS", "INVALID_AUTH", "INVALID_URL", "TEMPLATE_ERROR", "TIMEOUT"}


async def tool_of(caller: Caller, example: dict[str, Any]) -> str:
    """Return the id of the tool of an example."""
    if "builtin" in example:
        return IDS[example["builtin"]]
    body = {"project_id": await caller.project(), **example["tool"]}
    made = await caller.post("/tools", body)
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 6


@pytest.mark.parametrize("example", [*map(json.loads, EXAMPLES)])
async def test_an_example_gives_what_stands_under_it(example: dict[str, Any]) -> None:
    async with running() as api:
        caller = await api.admin()
        path = f"/tools/{await tool_of(caller, example)}/test"
        tried = (await caller.post(path, {"arguments": example["arguments"]})).json()
        api.container.sandbox().close()
    assert tried["output"] == example.get("output")
    assert (tried["error"] or {}).get("code") == example.get("fails")
    assert tried["logs"] == example.get("logs", [])


def test_every_tool_with_its_arguments_is_documented() -> None:
    documented = {name: words for name, *words in ROWS}
    for tool in BUILTIN_TOOLS.values():
        assert {*tool.parameters["properties"]} <= {*documented[tool.name]}, tool.name


def test_every_setting_of_each_kind_is_documented() -> None:
    documented = {name: words for name, *words in ROWS}
    for kind in OWN:
        assert {*CONFIGS[kind].settings} <= {*documented[kind]}, kind
    assert f"`{NAME_PATTERN}`" in PAGE


def test_every_code_is_documented() -> None:
    sources = [
        *(ROOT / "application" / "execution" / "tools").glob("*.py"),
        ROOT / "application" / "artifacts.py",
        ROOT / "application" / "try_tool.py",
        ROOT / "adapters" / "outbound" / "search.py",
    ]
    raised = {code for source in sources for code in CODE.findall(source.read_text())}
    assert len(raised) > 10
    documented = {word for words in ROWS for word in words}
    assert raised - ELSEWHERE <= documented
    assert all(f"`{code}`" in PAGE + (ROOT / "docs/workflows.md").read_text() for code in raised)
