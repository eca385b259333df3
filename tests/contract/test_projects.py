"""Projects: what they hold, and how it goes with them."""

import pytest

from orbiter.adapters.system.ids import new_id
from orbiter.application.paging import PageRequest
from orbiter.application.ports.repositories import RunFilter
from orbiter.application.ports.storage import Storage
from orbiter.application.ports.workflows import WorkflowFilter
from orbiter.domain.errors import NotFound
from orbiter.domain.runs import RunStatus
from support.builders import a_project, a_run, a_step, a_workflow
from support.tenants import Tenant, found, ids


async def test_what_a_project_holds_is_counted_per_kind(storage: Storage, tenant: Tenant) -> None:
    for kind in ("runs", "runs", "conversations"):
        await tenant.stored(storage, kind)
    empty = await tenant.stored(storage, "projects")
    async with storage.open(tenant.id, reading=True) as uow:
        assert await uow.projects.dependents(tenant.project.id) == {
            "agents": 1,
            "conversations": 1,
            "workflows": 1,
            "runs": 2,
        }
        assert await uow.projects.dependents(empty.id) == {}
        assert await uow.projects.dependents(new_id()) == {}
        assert await uow.projects.dependents("\0") == {}


async def test_another_workspace_counts_and_empties_nothing(
    storage: Storage, tenant: Tenant, stranger: Tenant
) -> None:
    run = await tenant.stored(storage, "runs")
    await tenant.stored(storage, "conversations")
    async with storage.open(stranger.id) as uow:
        assert await uow.projects.dependents(tenant.project.id) == {}
        assert list(await uow.projects.empty(tenant.project.id)) == []
    assert await found(storage, tenant.id, "runs", run.id) == run
    async with storage.open(tenant.id, reading=True) as uow:
        held = {"agents": 1, "conversations": 1, "workflows": 1, "runs": 1}
        assert await uow.projects.dependents(tenant.project.id) == held


async def test_emptying_deletes_all_it_holds_and_tells_of_the_unended_runs(
    storage: Storage, tenant: Tenant
) -> None:
    unended = [
        await tenant.stored(storage, "runs", status=status)
        for status in (RunStatus.QUEUED, RunStatus.RUNNING, RunStatus.WAITING)
    ]
    ended = [
        await tenant.stored(storage, "runs", status=status)
        for status in (RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.CANCELLED)
    ]
    other = await tenant.stored(storage, "projects")
    kept = a_run(other)
    async with storage.open(tenant.id) as uow:
        await uow.runs.add(kept)
        await uow.runs.put_steps([a_step(run) for run in (*unended, *ended, kept)])
        assert list(await uow.projects.empty(tenant.project.id)) == unended
    async with storage.open(tenant.id, reading=True) as uow:
        assert ids((await uow.runs.page(PageRequest(), RunFilter())).items) == [kept.id]
        assert (await uow.runs.steps(ended[0].id, PageRequest())).total == 0
        assert (await uow.runs.steps(kept.id, PageRequest())).total == 1
        assert (await uow.workflows.page(PageRequest(), WorkflowFilter())).total == 0
        with pytest.raises(NotFound):
            await uow.workflows.version(tenant.workflow.id, 1)
        assert await uow.projects.get(tenant.project.id) == tenant.project


async def test_removing_a_project_removes_what_it_still_holds(
    storage: Storage, tenant: Tenant
) -> None:
    run = await tenant.stored(storage, "runs")
    async with storage.open(tenant.id) as uow:
        await uow.runs.put_steps([a_step(run)])
        await uow.projects.remove(tenant.project.id)
    async with storage.open(tenant.id, reading=True) as uow:
        for attempt in (uow.runs.get(run.id), uow.workflows.get(tenant.workflow.id)):
            with pytest.raises(NotFound):
                await attempt
        assert (await uow.runs.steps(run.id, PageRequest())).total == 0


async def test_nothing_is_stored_in_a_project_that_is_not_there(
    storage: Storage, tenant: Tenant, stranger: Tenant
) -> None:
    for project in (a_project(tenant.id), a_project(tenant.id, id=stranger.project.id)):
        with pytest.raises(NotFound, match="Project"):
            async with storage.open(tenant.id) as uow:
                await uow.workflows.add(a_workflow(project))
        with pytest.raises(NotFound, match="Project"):
            async with storage.open(tenant.id) as uow:
                await uow.runs.add(a_run(project))


async def test_nothing_moves_to_a_project_that_is_not_there(
    storage: Storage, tenant: Tenant, stranger: Tenant
) -> None:
    at = tenant.workflow.updated_at
    for project_id in (new_id(), stranger.project.id):
        with pytest.raises(NotFound, match="Project"):
            async with storage.open(tenant.id) as uow:
                await uow.workflows.save(tenant.workflow.revise(at=at, project_id=project_id))
    assert await found(storage, tenant.id, "workflows", tenant.workflow.id) == tenant.workflow
