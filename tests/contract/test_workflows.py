"""Workflows: which there are, and when they last ran."""

from datetime import timedelta

from orbiter.adapters.system.ids import new_id
from orbiter.application.paging import PageRequest
from orbiter.application.ports.storage import Storage
from orbiter.application.ports.workflows import WorkflowFilter
from support.builders import a_run, a_workflow
from support.clock import START
from support.tenants import Tenant, found, ids


async def test_runs_outlive_their_workflow(storage: Storage, tenant: Tenant) -> None:
    run = await tenant.stored(storage, "runs")
    async with storage.open(tenant.id) as uow:
        await uow.workflows.remove(tenant.workflow.id)
    assert await found(storage, tenant.id, "runs", run.id) == run


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
