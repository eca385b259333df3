"""What a finished node needed may be gone, or another, when its run goes on."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from orbiter.application.ports.storage import UnitOfWork
from orbiter.domain.approvals import answer_of
from orbiter.domain.tools import ToolKind
from orbiter.domain.workflows import Node
from support.agents import Asked, Studio, calls, results, says, script
from support.api import Caller, edge, running
from support.api import node as sent
from support.clock import START as NOW
from support.graphs import NOBODY, graph, node
from support.hiding import NAMED, URL, Echo, keep, line
from support.legacy import heir_of
from support.power import House

YES = answer_of("approve", at=NOW, by="somebody")
ASKING = {
    "nodes": [
        sent("start", "start"),
        sent("ask", "approval", {"message": "?"}),
        sent("end", "end"),
    ],
    "edges": [edge("start", "ask"), edge("ask", "end", "approved")],
}

Remove = Callable[[UnitOfWork], Awaitable[None]]


async def a_request(lab: Studio) -> tuple[Node, Remove]:
    secret = await keep(lab, "TOKEN", "of the service")
    work = node("work", "http", url=URL, headers={"X-Key": NAMED})
    return work, lambda uow: uow.secrets.remove(secret.id)


async def a_tool(lab: Studio) -> tuple[Node, Remove]:
    code = "def double(number: int) -> int:\n    return 2 * number"
    schema = {"type": "integer"}
    tool = await lab.tool("double", ToolKind.PYTHON, {"code": code}, number=schema)
    work = node("work", "tool", tool_id=tool.id, arguments={"number": 21})
    return work, lambda uow: uow.tools.remove(tool.id)


async def an_agent(lab: Studio) -> tuple[Node, Remove]:
    agent = await lab.agent(model="echo:echo")
    work = node("work", "agent", agent_id=agent.agent_id, input="hello")
    return work, lambda uow: uow.agents.remove(agent.agent_id)


@pytest.mark.parametrize("made", [a_request, a_tool, an_agent])
async def test_a_run_that_waits_goes_on_without_it(made: Any) -> None:
    lab = Studio(http=Echo())
    work, remove = await made(lab)
    drawn = graph(
        node("start", "start"),
        work,
        node("ask", "approval", message="May I?"),
        node("end", "end", output="{{ nodes.work.output }}"),
        edges="start > work, work > ask, ask.approved > end",
    )
    house = House(lab, drawn)
    await house.segment()
    before = house.traced()
    assert before.one_node("work").error is None
    async with lab.kept.open(NOBODY) as uow:
        await remove(uow)
    house.answer("ask", YES)
    traced = await house.to_the_end()
    assert traced.output == before.one_node("work").output
    assert traced.of("work") == before.of("work")


@pytest.mark.parametrize("made", [a_request, a_tool, an_agent])
async def test_a_retry_goes_on_without_it(made: Any) -> None:
    lab = Studio(http=Echo())
    work, remove = await made(lab)
    house = House(lab, line(work, node("late", "template", template="{{ nodes.nothing }}")))
    failed = await house.to_the_end()
    async with lab.kept.open(NOBODY) as uow:
        await remove(uow)
    retried = await heir_of(house).to_the_end()
    assert retried.failure == failed.failure == ("TEMPLATE_ERROR", "late")
    done = retried.one_node("work")
    assert (done.reused, done.output) == (True, failed.one_node("work").output)


async def test_what_a_tool_gave_stays_while_another_of_the_same_answer_waits() -> None:
    gateway = Asked()
    async with running(gateway=gateway) as api, asyncio.timeout(30):
        admin = await api.admin()
        project = await admin.project()
        code = "def double(number: int) -> int:\n    return 2 * number"
        double = await _tool(admin, project, "double", "python", {"code": code})
        asking = (await admin.workflow(project, ASKING))["id"]
        ask = await _tool(admin, project, "ask", "workflow", {"workflow_id": asking})
        agent = await admin.agent(project, model="echo:script", tools=[double, ask])
        text = script(calls(("double", {"number": 21}), ("ask", {})), says("{{tool_result}}"))
        run = (await admin.post(f"/agents/{agent['id']}/run", {"input": text})).json()
        while (await admin.get(f"/runs/{run['id']}")).json()["status"] != "waiting":
            await asyncio.sleep(0.01)
        assert (await admin.delete(f"/tools/{double}")).status_code == 204
        (child,) = (await admin.get(f"/runs?workflow_id={asking}")).json()["data"]
        trace = (await admin.get(f"/runs/{child['id']}")).json()["steps"]
        (step,) = (step for step in trace if step["status"] == "waiting")
        path = f"/runs/{child['id']}/approvals/{step['id']}"
        assert (await admin.post(path, {"decision": "approve"})).status_code == 200
        while (await admin.get(f"/runs/{run['id']}")).json()["status"] != "completed":
            await asyncio.sleep(0.01)
    first, _ = results(gateway.last.messages)
    assert first == "42"


async def _tool(admin: Caller, project: str, name: str, kind: str, config: Any) -> str:
    body = {"project_id": project, "name": name, "kind": kind, "config": config}
    made = await admin.post("/tools", body)
    assert made.status_code == 201, made.text
    return str(made.json()["id"])
