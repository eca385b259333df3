"""What docs/workflows.md draws gives what it says, and its tables leave nothing out."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orbiter.adapters.outbound.allowlist import EgressAllowlist
from orbiter.application.runs import RunDetail
from orbiter.domain.workflows.node_kinds import NODE_KINDS
from orbiter.entrypoints import embed
from support.outbound import answering, serving

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "workflows.md").read_text()
EXAMPLES = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
SERVICE = "https://api.example.org"
FORECAST = {"days": [{"name": "Friday", "celsius": 14}, {"name": "Saturday", "celsius": 23}]}
TELLING = {
    "EffectError",
    "Issue",
    "LimitCrossed",
    "ModelError",
    "NodeFailed",
    "OutboundError",
    "RunError",
    "SandboxError",
    "StepError",
}
SOURCES = (
    "application/execution/**/*.py",
    "application/workflows.py",
    "application/child_runs.py",
    "application/models.py",
    "application/pools.py",
    "application/vendors.py",
    "adapters/durable/*.py",
    "adapters/models/*.py",
    "adapters/outbound/*.py",
    "adapters/sandbox/*.py",
    "domain/workflows/*.py",
)


async def run_of(example: dict[str, Any]) -> RunDetail:
    core = embed.in_memory(egress_allow=EgressAllowlist.parse("127.0.0.1"))
    ada = await embed.member(core, "ada@example.org")
    project = await core.projects.create(ada, name="Documentation")
    flow = await core.workflows.create(
        ada, project_id=project.id, name="Example", canvas=embed.canvas(example["canvas"])
    )
    assert flow.workflow.issues == ()
    run = await core.run_workflow(ada, flow.workflow.id, inputs=example["inputs"], wait_seconds=20)
    detail = await core.runs.get(ada, run.id)
    await core.stop(0)
    return detail


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 7


@pytest.mark.parametrize("example", EXAMPLES)
async def test_an_example_gives_what_stands_under_it(example: str) -> None:
    headers = {"Content-Type": "application/json", "Connection": "close"}
    async with serving(answering(headers=headers, body=json.dumps(FORECAST).encode())) as service:
        drawn = json.loads(example.replace(SERVICE, service.url("")))
        detail = await run_of(drawn)
    assert (detail.run.error, detail.run.output) == (None, drawn["output"])
    statuses = {step.node_id: step.status for step in detail.trace.items}
    assert drawn.get("statuses", statuses) == statuses
    assert "not-shown" not in str(detail)


def test_every_kind_of_node_and_each_of_its_settings_is_documented() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*)$", PAGE, re.MULTILINE))
    for name, kind in NODE_KINDS.items():
        for setting in kind.settings.settings:
            assert f"`{setting}`" in rows[name], (name, setting)


def codes() -> Iterator[str]:
    for pattern in SOURCES:
        for source in ROOT.glob(pattern):
            for found in ast.walk(ast.parse(source.read_text())):
                for told in _told(found):
                    if isinstance(told, ast.Constant) and isinstance(told.value, str):
                        yield told.value


def _told(found: ast.AST) -> list[ast.expr]:
    match found:
        case ast.Call(func=ast.Name(id=name), args=args, keywords=keywords) if name in TELLING:
            return [*args[:1], *(each.value for each in keywords if each.arg == "code")]
        case ast.Dict(keys=keys, values=values):
            pairs = zip(keys, values, strict=True)
            return [value for key, value in pairs if getattr(key, "value", None) == "code"]
        case ast.Yield(value=ast.Tuple(elts=[code, _])):
            return [code]
    return []


def test_every_code_is_documented_and_no_other() -> None:
    assert set(re.findall(r"`([A-Z][A-Z_]{4,})`", PAGE)) == set(codes())
