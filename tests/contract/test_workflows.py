"""Workflows: heads, versions, and when they last ran."""

from datetime import timedelta

import pytest

from orbiter.adapters.system.ids import new_id
from orbiter.application.paging import PageRequest
from orbiter.application.ports.storage import Storage
from orbiter.application.ports.workflows import WorkflowFilter
from orbiter.domain.errors import BadRequest, Conflict, NotFound
from orbiter.domain.workflows import Canvas, WorkflowVersion
from support.builders import a_run, a_version, a_workflow
from support.clock import START
from support.tenants import Tenant, found, ids


async def test_versions_come_back_equal(storage: Storage, tenant: Tenant) -> None:
    second = a_version(tenant.workflow, version=2, canvas=Canvas(), variables={"b": 1, "a": 2})
    await add(storage, tenant, second)
    for _ in range(2):
        async with storage.open(tenant.id, reading=True) as uow:
            await uow.workflows.get(tenant.workflow.id)
            read = await uow.workflows.version(tenant.workflow.id, 2)
            assert read == second and list(read.variables) == ["b", "a"]
            assert await uow.workflows.version(tenant.workflow.id, 1) == a_version(
                tenant.workflow, created_at=read.created_at
            )


async def test_a_version_that_is_not_there_is_not_found(storage: Storage, tenant: Tenant) -> None:
    async with storage.open(tenant.id, reading=True) as uow:
        await uow.workflows.get(tenant.workflow.id)
        for number in (0, -1, 2, 2**31, 2**63, 10**100):
            with pytest.raises(NotFound):
                await uow.workflows.version(tenant.workflow.id, number)
        for workflow_id in (new_id(), "\0", ""):
            with pytest.raises(NotFound):
                await uow.workflows.version(workflow_id, 1)


async def test_a_number_is_used_once(storage: Storage, tenant: Tenant) -> None:
    with pytest.raises(Conflict, match="number"):
        await add(storage, tenant, a_version(tenant.workflow, canvas=Canvas()))
    async with storage.open(tenant.id, reading=True) as uow:
        assert (await uow.workflows.version(tenant.workflow.id, 1)).canvas != Canvas()


async def test_another_workspace_sees_and_adds_no_versions(
    storage: Storage, tenant: Tenant, stranger: Tenant
) -> None:
    async with storage.open(tenant.id, reading=True) as uow:
        await uow.workflows.version(tenant.workflow.id, 1)
    async with storage.open(stranger.id, reading=True) as uow:
        with pytest.raises(NotFound):
            await uow.workflows.version(tenant.workflow.id, 1)
        assert (await uow.workflows.versions(tenant.workflow.id, PageRequest())).total == 0
    with pytest.raises(NotFound):
        await add(storage, stranger, a_version(tenant.workflow, version=2))


async def test_a_version_needs_its_workflow(storage: Storage, tenant: Tenant) -> None:
    with pytest.raises(NotFound, match="Workflow"):
        await add(storage, tenant, a_version(a_workflow(tenant.project)))


async def test_what_only_reads_adds_no_version(storage: Storage, tenant: Tenant) -> None:
    async with storage.open(tenant.id, reading=True) as uow:
        with pytest.raises(RuntimeError, match="opened for reading"):
            await uow.workflows.add_version(a_version(tenant.workflow, version=2))


async def test_a_removed_workflow_takes_its_versions_along_and_leaves_its_runs(
    storage: Storage, tenant: Tenant
) -> None:
    run = await tenant.stored(storage, "runs")
    async with storage.open(tenant.id) as uow:
        await uow.workflows.get(tenant.workflow.id)
        await uow.workflows.version(tenant.workflow.id, 1)
        await uow.workflows.remove(tenant.workflow.id)
        with pytest.raises(NotFound):
            await uow.workflows.version(tenant.workflow.id, 1)
    async with storage.open(tenant.id, reading=True) as uow:
        with pytest.raises(NotFound):
            await uow.workflows.version(tenant.workflow.id, 1)
        assert await uow.runs.get(run.id) == run


async def test_versions_go_with_their_project_though_they_were_read_before(
    storage: Storage, tenant: Tenant
) -> None:
    async with storage.open(tenant.id, reading=True) as uow:
        await uow.workflows.version(tenant.workflow.id, 1)
    async with storage.open(tenant.id) as uow:
        await uow.workflows.get(tenant.workflow.id)
        assert (await uow.workflows.version(tenant.workflow.id, 1)).version == 1
        await uow.projects.empty(tenant.project.id)
        with pytest.raises(NotFound):
            await uow.workflows.version(tenant.workflow.id, 1)


async def test_a_version_that_was_rolled_back_is_not_remembered(
    storage: Storage, tenant: Tenant
) -> None:
    with pytest.raises(ZeroDivisionError):
        async with storage.open(tenant.id) as uow:
            await uow.workflows.get(tenant.workflow.id)
            await uow.workflows.add_version(
                a_version(tenant.workflow, version=2, variables={"a": 1})
            )
            await uow.workflows.version(tenant.workflow.id, 2)
            raise ZeroDivisionError
    second = a_version(tenant.workflow, version=2, variables={"b": 2})
    await add(storage, tenant, second)
    async with storage.open(tenant.id, reading=True) as uow:
        await uow.workflows.get(tenant.workflow.id)
        assert await uow.workflows.version(tenant.workflow.id, 2) == second


async def test_versions_are_paged_by_number(storage: Storage, tenant: Tenant) -> None:
    for number in range(2, 13):
        await add(storage, tenant, a_version(tenant.workflow, version=number))
    whole = list(range(1, 13))
    assert await numbers(storage, tenant, limit=5) == [whole[:6:-1], whole[6:1:-1], whole[1::-1]]
    upwards = await numbers(storage, tenant, limit=5, newest_first=False)
    assert upwards == [whole[:5], whole[5:10], whole[10:]]


async def test_a_cursor_that_is_no_number_is_a_bad_request(
    storage: Storage, tenant: Tenant
) -> None:
    async with storage.open(tenant.id, reading=True) as uow:
        for after in ("", "\0", "-1", "1.0", " 1", "9" * 5000, new_id()):
            with pytest.raises(BadRequest):
                await uow.workflows.versions(tenant.workflow.id, PageRequest(after=after))


async def test_workflows_are_listed_by_project(storage: Storage, tenant: Tenant) -> None:
    other = await tenant.stored(storage, "projects")
    workflow = a_workflow(other)
    async with storage.open(tenant.id) as uow:
        await uow.workflows.add(workflow)
        for project_id, expected in (
            (None, [workflow.id, tenant.workflow.id]),
            (other.id, [workflow.id]),
            (tenant.project.id, [tenant.workflow.id]),
            (new_id(), []),
            ("\0", []),
        ):
            page = await uow.workflows.page(PageRequest(), WorkflowFilter(project_id=project_id))
            assert (ids(page.items), page.total) == (expected, len(expected))


async def test_the_newest_run_says_when_a_workflow_last_ran(
    storage: Storage, tenant: Tenant, stranger: Tenant
) -> None:
    moments = [START + timedelta(days=day) for day in (3, 5, 4)]
    for moment in moments:
        run = await tenant.stored(storage, "runs", queued_at=moment)
    workflow = await found(storage, tenant.id, "workflows", tenant.workflow.id)
    assert workflow.last_run_at == moments[2]
    assert (await tenant.listed(storage, "workflows")).items == [workflow]
    assert (await stranger.listed(storage, "workflows")).items == [stranger.workflow]
    async with storage.open(tenant.id) as uow:
        await uow.runs.remove(run.id)
        assert (await uow.workflows.get(tenant.workflow.id)).last_run_at == moments[1]


async def test_a_run_of_another_workspace_does_not_count(
    storage: Storage, tenant: Tenant, stranger: Tenant
) -> None:
    async with storage.open(stranger.id) as uow:
        await uow.runs.add(a_run(stranger.project, workflow_id=tenant.workflow.id))
    assert (await found(storage, tenant.id, "workflows", tenant.workflow.id)).last_run_at is None


async def add(storage: Storage, tenant: Tenant, version: WorkflowVersion) -> None:
    """Store a version."""
    async with storage.open(tenant.id) as uow:
        await uow.workflows.add_version(version)


async def numbers(
    storage: Storage, tenant: Tenant, *, limit: int, newest_first: bool = True
) -> list[list[int]]:
    """Return the numbers of the tenant's workflow's versions, page by page."""
    pages, after = [], None
    async with storage.open(tenant.id, reading=True) as uow:
        while True:
            request = PageRequest(limit=limit, after=after, newest_first=newest_first)
            page = await uow.workflows.versions(tenant.workflow.id, request)
            assert page.total == 12
            pages.append([version.version for version in page.items])
            if page.next_after is None:
                return pages
            after = page.next_after
