"""Agents: heads, versions, which of them there are."""

from typing import Any

import pytest

from orbiter.adapters.system.ids import new_id
from orbiter.application.paging import PageRequest
from orbiter.application.ports.agents import AgentFilter
from orbiter.application.ports.repositories import RunFilter
from orbiter.application.ports.storage import Storage
from orbiter.domain.agents import AgentSettings, AgentStatus, AgentVersion
from orbiter.domain.errors import BadRequest, Conflict, NotFound
from orbiter.domain.runs import RunKind
from support.builders import a_run, an_agent_version
from support.tenants import Tenant, ids


async def stored(storage: Storage, tenant: Tenant, **changes: Any) -> Any:
    """Return one more agent of the tenant's with its first version, stored."""
    agent = await tenant.stored(storage, "agents", **changes)
    await add(storage, tenant, an_agent_version(agent))
    return agent


async def add(storage: Storage, tenant: Tenant, version: AgentVersion) -> None:
    """Store a version."""
    async with storage.open(tenant.id) as uow:
        await uow.agents.add_version(version)


async def test_versions_come_back_equal(storage: Storage, tenant: Tenant) -> None:
    agent = await stored(storage, tenant)
    settings = AgentSettings(max_turns=3, output_schema={"b": 1, "a": [2]})
    second = an_agent_version(agent, version=2, name="Desk", settings=settings)
    await add(storage, tenant, second)
    async with storage.open(tenant.id, reading=True) as uow:
        read = await uow.agents.version(agent.id, 2)
        assert read == second
        assert list(read.settings.output_schema or ()) == ["b", "a"]
        assert await uow.agents.version(agent.id, 1) == an_agent_version(agent)


async def test_a_version_that_is_not_there_is_not_found(storage: Storage, tenant: Tenant) -> None:
    agent = await stored(storage, tenant)
    async with storage.open(tenant.id, reading=True) as uow:
        for number in (0, -1, 2, 2**31, 2**63, 10**100):
            with pytest.raises(NotFound):
                await uow.agents.version(agent.id, number)
        for agent_id in (new_id(), "\0", ""):
            with pytest.raises(NotFound):
                await uow.agents.version(agent_id, 1)
            empty = await uow.agents.versions(agent_id, PageRequest())
            assert (empty.items, empty.total) == ([], 0)


async def test_a_number_is_used_once(storage: Storage, tenant: Tenant) -> None:
    agent = await stored(storage, tenant)
    again = an_agent_version(agent, name="Other")
    with pytest.raises(Conflict, match="with this number already exists"):
        await add(storage, tenant, again)
    with pytest.raises(NotFound):
        await add(storage, tenant, an_agent_version(agent, agent_id=new_id()))
    async with storage.open(tenant.id, reading=True) as uow:
        assert await uow.agents.version(agent.id, 1) == an_agent_version(agent)


async def test_versions_of_another_workspace_are_not_there(
    storage: Storage, tenant: Tenant, stranger: Tenant
) -> None:
    agent = await stored(storage, tenant)
    async with storage.open(stranger.id) as uow:
        with pytest.raises(NotFound):
            await uow.agents.version(agent.id, 1)
        with pytest.raises(NotFound):
            await uow.agents.add_version(an_agent_version(agent, version=2))
        page = await uow.agents.versions(agent.id, PageRequest())
        assert (page.items, page.total) == ([], 0)
    async with storage.open(tenant.id, reading=True) as uow:
        assert (await uow.agents.versions(agent.id, PageRequest())).total == 1


async def test_versions_go_with_their_agent_and_agents_with_their_project(
    storage: Storage, tenant: Tenant
) -> None:
    project = await tenant.stored(storage, "projects")
    first = await stored(storage, tenant, project_id=project.id)
    second = await stored(storage, tenant, project_id=project.id)
    async with storage.open(tenant.id) as uow:
        assert await uow.projects.dependents(project.id) == {"agents": 2}
        await uow.agents.remove(first.id)
        assert await uow.projects.dependents(project.id) == {"agents": 1}
    async with storage.open(tenant.id) as uow:
        await uow.projects.empty(project.id)
        assert await uow.projects.dependents(project.id) == {}
    async with storage.open(tenant.id) as uow:
        for agent in (first, second):
            with pytest.raises(NotFound):
                await uow.agents.version(agent.id, 1)
            await uow.agents.add(agent)
            assert (await uow.agents.versions(agent.id, PageRequest())).total == 0


async def test_what_only_reads_adds_no_version(storage: Storage, tenant: Tenant) -> None:
    agent = await stored(storage, tenant)
    async with storage.open(tenant.id, reading=True) as uow:
        with pytest.raises(RuntimeError, match="opened for reading"):
            await uow.agents.add_version(an_agent_version(agent, version=2))


async def test_versions_are_paged_by_number(storage: Storage, tenant: Tenant) -> None:
    agent = await stored(storage, tenant)
    for number in range(2, 13):
        await add(storage, tenant, an_agent_version(agent, version=number))
    async with storage.open(tenant.id, reading=True) as uow:
        for newest_first, expected in ((True, [12, 11, 10]), (False, [1, 2, 3])):
            request = PageRequest(limit=3, newest_first=newest_first)
            page = await uow.agents.versions(agent.id, request)
            assert ([each.version for each in page.items], page.total) == (expected, 12)
        page = await uow.agents.versions(agent.id, PageRequest(limit=10, after="3"))
        assert [each.version for each in page.items] == [2, 1]
        for after in ("", "\0", "-1", "1.0", " 1", "9" * 5000, new_id()):
            with pytest.raises(BadRequest):
                await uow.agents.versions(agent.id, PageRequest(after=after))


async def test_agents_are_listed_by_project_and_status(storage: Storage, tenant: Tenant) -> None:
    other = await tenant.stored(storage, "projects")
    first = await stored(storage, tenant, status=AgentStatus.ACTIVE)
    second = await stored(storage, tenant, project_id=other.id)
    third = await stored(storage, tenant, project_id=other.id, status=AgentStatus.ACTIVE)
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
    agent = await stored(storage, tenant)
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
