"""Agents: which of them there are."""

from orbiter.adapters.system.ids import new_id
from orbiter.application.paging import PageRequest
from orbiter.application.ports.agents import AgentFilter
from orbiter.application.ports.repositories import RunFilter
from orbiter.application.ports.storage import Storage
from orbiter.domain.agents import AgentStatus
from orbiter.domain.runs import RunKind
from support.builders import a_run
from support.tenants import Tenant, ids


async def test_agents_go_with_their_project(storage: Storage, tenant: Tenant) -> None:
    project = await tenant.stored(storage, "projects")
    first, _ = [await tenant.stored(storage, "agents", project_id=project.id) for _ in range(2)]
    async with storage.open(tenant.id) as uow:
        assert await uow.projects.dependents(project.id) == {"agents": 2}
        await uow.agents.remove(first.id)
        assert await uow.projects.dependents(project.id) == {"agents": 1}
        await uow.projects.empty(project.id)
        assert await uow.projects.dependents(project.id) == {}


async def test_agents_are_listed_by_project_and_status(storage: Storage, tenant: Tenant) -> None:
    other = await tenant.stored(storage, "projects")
    first = await tenant.stored(storage, "agents", status=AgentStatus.ACTIVE)
    second = await tenant.stored(storage, "agents", project_id=other.id)
    third = await tenant.stored(storage, "agents", project_id=other.id, status=AgentStatus.ACTIVE)
    async with storage.open(tenant.id, reading=True) as uow:
        for only, expected in (
            (AgentFilter(), [third, second, first, tenant.agent]),
            (AgentFilter(project_id=other.id), [third, second]),
            (AgentFilter(status=AgentStatus.ACTIVE), [third, first]),
            (AgentFilter(project_id=other.id, status=AgentStatus.DRAFT), [second]),
            (AgentFilter(status=AgentStatus.ARCHIVED), []),
            (AgentFilter(project_id=new_id()), []),
            (AgentFilter(project_id="\0"), []),
        ):
            page = await uow.agents.page(PageRequest(), only)
            assert (list(page.items), page.total) == (expected, len(expected))


async def test_which_there_are_is_told(storage: Storage, tenant: Tenant, stranger: Tenant) -> None:
    mine = [await tenant.stored(storage, "agents") for _ in range(2)]
    theirs = await stranger.stored(storage, "agents")
    asked = [*ids(mine), theirs.id, new_id(), "nonsense", "\0"]
    async with storage.open(tenant.id, reading=True) as uow:
        assert set(await uow.agents.known(asked)) == set(ids(mine))
        assert set(await uow.agents.known([])) == set()


async def test_runs_outlive_their_agent_and_are_found_by_it(
    storage: Storage, tenant: Tenant
) -> None:
    agent = await tenant.stored(storage, "agents")
    run = a_run(tenant.project, kind=RunKind.AGENT, agent_id=agent.id)
    async with storage.open(tenant.id) as uow:
        await uow.runs.add(run)
    await tenant.stored(storage, "runs")
    async with storage.open(tenant.id) as uow:
        await uow.agents.remove(agent.id)
    async with storage.open(tenant.id, reading=True) as uow:
        for only in (RunFilter(agent_id=agent.id), RunFilter(kind=RunKind.AGENT)):
            page = await uow.runs.page(PageRequest(), only)
            assert (list(page.items), page.total) == ([run], 1)
