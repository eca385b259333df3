"""Trying tools: how long it may take, with which secrets, and what can't be begun."""

from typing import Any

import pytest

from orbiter.adapters.memory.run_feed import MemoryRunFeed
from orbiter.adapters.system.ids import new_id
from orbiter.application.ports.outbound import HttpClient, OutboundAnswer, OutboundRequest
from orbiter.application.run_agent import RunAgent
from orbiter.application.run_endings import RunEndings
from orbiter.application.run_workflow import RunWorkflow
from orbiter.application.starting import Starting
from orbiter.application.try_tool import ToolTrial, TryTool
from orbiter.application.work import Work
from orbiter.domain.errors import Forbidden, NotFound
from orbiter.domain.identity import Actor, Role, permissions_of
from orbiter.domain.tools import Tool, ToolKind
from orbiter.domain.workflows import Canvas, Node
from support.builders import a_version
from support.graphs import Laboratory, Silent
from support.hiding import Echo, keep
from support.runs import IdleEngine
from support.tenants import Tenant, settle
from support.triggers import developer_of

OPEN = {"type": "object"}


class Bench:
    """A laboratory in which tools are tried; nobody executes the runs that are accepted."""

    def __init__(self, http: HttpClient) -> None:
        self.lab = Laboratory(http=http)
        storage = self.storage = self.lab.kept
        work = Work(storage, self.lab.clock, new_id)
        starting = Starting(work, IdleEngine(), RunEndings(storage, MemoryRunFeed()))
        self.tried = TryTool(
            work,
            self.lab.world,
            RunWorkflow(work, starting, self.lab.executor),
            RunAgent(work, starting),
            seconds=0.05,
        )

    async def trial(self, tenant: Tenant, **tool: Any) -> ToolTrial:
        """Return how a tool of the tenant's fares with no arguments."""
        made: Tool = await tenant.stored(self.storage, "tools", parameters=OPEN, **tool)
        return await self.tried(developer_of(tenant), made.id, arguments={})


async def a_tenant(bench: Bench) -> Tenant:
    return await settle(bench.storage)


async def test_a_service_that_never_answers_is_given_up() -> None:
    bench = Bench(Silent())
    trial = await bench.trial(await a_tenant(bench), config={"url": "https://api.test"})
    assert trial.error is not None
    assert (trial.success, trial.error["code"]) == (False, "TIMEOUT")
    assert 50 <= trial.duration_ms < 5000


async def test_a_run_that_goes_on_is_named() -> None:
    bench = Bench(Silent())
    tenant = await a_tenant(bench)
    head = await tenant.stored(bench.storage, "workflows")
    nodes = (Node(id="start", type="start"), Node(id="wait", type="delay", config={"seconds": 9}))
    async with bench.storage.open(tenant.id) as uow:
        await uow.workflows.add_version(a_version(head, canvas=Canvas(nodes=nodes)))
    config = {"workflow_id": head.id}
    trial = await bench.trial(tenant, kind=ToolKind.WORKFLOW, config=config)
    (run,) = (await tenant.listed(bench.storage, "runs")).items
    assert trial.error == {
        "code": "TIMEOUT",
        "message": f"Run {run.id} is queued after 0.05 s",
    }
    assert trial.logs == (f"Run {run.id}",)


async def test_what_was_deleted_can_not_be_run() -> None:
    bench = Bench(Silent())
    tenant = await a_tenant(bench)
    for kind, name in ((ToolKind.WORKFLOW, "workflow_id"), (ToolKind.AGENT, "agent_id")):
        trial = await bench.trial(tenant, kind=kind, config={name: new_id()})
        assert trial.error is not None and trial.error["code"] == "CANNOT_RUN"
        assert "not found" in trial.error["message"]


async def test_an_output_that_no_run_could_take_is_a_failure() -> None:
    class Flooding:
        async def send(self, request: OutboundRequest) -> OutboundAnswer:
            return OutboundAnswer(status=200, headers={}, body=b"x" * (4 * 1024 * 1024 + 1))

    bench = Bench(Flooding())
    trial = await bench.trial(await a_tenant(bench), config={"url": "https://api.test"})
    assert trial.error is not None and trial.error["code"] == "OUTPUT_TOO_LARGE"


async def test_it_sees_the_secrets_of_its_project_and_shows_none() -> None:
    echo = Echo()
    bench = Bench(echo)
    tenant, stranger = await a_tenant(bench), await a_tenant(bench)
    mine = {"workspace_id": tenant.id}
    await keep(bench.lab, "TOKEN", "correct-horse-battery", tenant.project.id, **mine)
    theirs = {"workspace_id": stranger.id}
    await keep(bench.lab, "FOREIGN", "staple-staple", stranger.project.id, **theirs)
    config = {"url": "https://api.test", "headers": {"X-Key": "{{ secrets.TOKEN }}"}}
    trial = await bench.trial(tenant, config=config)
    assert echo.heard[0].headers["x-key"] == "correct-horse-battery"
    assert trial.success and "correct-horse" not in str(trial)
    assert trial.output["body"]["headers"]["x-key"] == "***"
    config = {"url": "https://api.test", "headers": {"X-Key": "{{ secrets.FOREIGN }}"}}
    trial = await bench.trial(tenant, config=config)
    assert trial.error is not None and trial.error["code"] == "TEMPLATE_ERROR"


async def test_who_may_not_run_tools_tries_none() -> None:
    bench = Bench(Echo())
    tenant = await a_tenant(bench)
    tool = await tenant.stored(bench.storage, "tools")
    viewer: Actor = developer_of(tenant, role=Role.VIEWER, permissions=permissions_of(Role.VIEWER))
    for tool_id in (tool.id, new_id()):
        with pytest.raises(Forbidden):
            await bench.tried(viewer, tool_id, arguments={})
    with pytest.raises(NotFound, match="Tool not found"):
        await bench.tried(developer_of(await a_tenant(bench)), tool.id, arguments={})
