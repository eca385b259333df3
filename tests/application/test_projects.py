"""Projects: changing and deleting them, and who may."""

from datetime import timedelta

import pytest

from orbiter.adapters.templating.json_schemas import JsonSchemas
from orbiter.application.paging import PageRequest
from orbiter.application.ports.repositories import RunFilter
from orbiter.application.ports.workflows import WorkflowFilter
from orbiter.application.projects import ProjectHandlers
from orbiter.application.workflows import WorkflowHandlers
from orbiter.domain.errors import Conflict, Forbidden, Invalid, NotFound
from orbiter.domain.identity import Actor, Role, Scope
from orbiter.domain.runs import Run
from support.office import Office, wrong_fields
from support.runs import IdleEngine, a_run


def handlers(office: Office, engine: IdleEngine | None = None) -> ProjectHandlers:
    return ProjectHandlers(office.work, engine or IdleEngine())


async def a_full_project(office: Office, actor: Actor) -> tuple[str, Run, Run]:
    """Return a project that holds a workflow, a queued run and an ended one."""
    project = await handlers(office).create(actor, name="Apollo")
    await WorkflowHandlers(office.work, JsonSchemas()).create(
        actor, project_id=project.id, name="Greeting"
    )
    queued = a_run(actor.workspace_id, project.id)
    ended = a_run(actor.workspace_id, project.id).cancel(at=office.clock.now())
    async with office.storage.open(actor.workspace_id) as uow:
        await uow.runs.add(queued)
        await uow.runs.add(ended)
    return project.id, queued, ended


async def held(office: Office, actor: Actor) -> tuple[int, int]:
    """Count the workflows and the runs of a workspace."""
    async with office.storage.open(actor.workspace_id, reading=True) as uow:
        workflows = await uow.workflows.page(PageRequest(), WorkflowFilter())
        runs = await uow.runs.page(PageRequest(), RunFilter())
    return workflows.total, runs.total


async def test_a_project_is_found_as_it_was_made(office: Office) -> None:
    ada = await office.admin()
    made = await handlers(office).create(
        ada, name="Apollo", description="To the moon", default_model="echo:echo"
    )
    assert (made.workspace_id, made.created_by) == (ada.workspace_id, ada.user_id)
    assert await handlers(office).get(ada, made.id) == made
    assert (await handlers(office).page(ada, PageRequest())).items == [made]


async def test_every_wrong_field_is_told_at_once(office: Office) -> None:
    with pytest.raises(Invalid) as refusal:
        await handlers(office).create(
            await office.admin(), name="", description="x" * 5001, default_model="x" * 256
        )
    assert wrong_fields(refusal.value) == {
        "name": "string_too_short",
        "description": "string_too_long",
        "default_model": "string_too_long",
    }


async def test_what_is_not_given_stays_and_none_clears(office: Office) -> None:
    ada = await office.admin()
    made = await handlers(office).create(ada, name="Apollo", description="To the moon")
    office.clock.advance(timedelta(seconds=1))
    renamed = await handlers(office).revise(ada, made.id, name="Artemis")
    assert (renamed.name, renamed.description) == ("Artemis", "To the moon")
    assert (renamed.created_at, renamed.updated_at) == (made.created_at, office.clock.now())
    cleared = await handlers(office).revise(ada, made.id, description=None)
    assert (cleared.name, cleared.description) == ("Artemis", None)


async def test_a_change_that_is_refused_changes_nothing(office: Office) -> None:
    ada = await office.admin()
    made = await handlers(office).create(ada, name="Apollo")
    with pytest.raises(Invalid):
        await handlers(office).revise(ada, made.id, name="")
    assert await handlers(office).get(ada, made.id) == made
    assert await office.audited(ada, action="project.updated") == []


async def test_an_empty_project_is_deleted(office: Office) -> None:
    ada = await office.admin()
    made = await handlers(office).create(ada, name="Apollo")
    await handlers(office).remove(ada, made.id)
    with pytest.raises(NotFound):
        await handlers(office).get(ada, made.id)
    with pytest.raises(NotFound):
        await handlers(office).remove(ada, made.id)


async def test_a_project_that_holds_things_stays_and_says_what(office: Office) -> None:
    ada = await office.admin()
    project_id, _, _ = await a_full_project(office, ada)
    with pytest.raises(Conflict) as refusal:
        await handlers(office).remove(ada, project_id)
    assert refusal.value.details == {"dependents": {"workflows": 1, "runs": 2}}
    assert await held(office, ada) == (1, 2)
    assert await office.audited(ada, action="project.deleted") == []


async def test_a_cascade_takes_everything_along_and_stops_what_runs(office: Office) -> None:
    ada = await office.admin()
    project_id, queued, _ = await a_full_project(office, ada)
    engine = IdleEngine()
    await handlers(office, engine).remove(ada, project_id, cascade=True)
    assert await held(office, ada) == (0, 0)
    assert engine.stopped == [queued.id]


async def test_a_cascade_leaves_other_projects_alone(office: Office) -> None:
    ada = await office.admin()
    project_id, _, _ = await a_full_project(office, ada)
    await a_full_project(office, ada)
    await handlers(office).remove(ada, project_id, cascade=True)
    assert await held(office, ada) == (1, 2)


async def test_every_change_is_audited(office: Office) -> None:
    ada = await office.admin()
    made = await handlers(office).create(ada, name="Apollo")
    await handlers(office).revise(ada, made.id, name="Artemis")
    await handlers(office).remove(ada, made.id)
    entries = await office.audited(ada, entity_type="project", entity_id=made.id)
    assert [entry.action for entry in entries] == [
        "project.created",
        "project.updated",
        "project.deleted",
    ]


async def reads(office: Office, actor: Actor, project_id: str) -> bool:
    """Say whether *actor* may read projects; it may read one and list them, or neither."""
    try:
        await handlers(office).get(actor, project_id)
    except Forbidden:
        with pytest.raises(Forbidden):
            await handlers(office).page(actor, PageRequest())
        return False
    return (await handlers(office).page(actor, PageRequest())).total > 0


async def writes(office: Office, actor: Actor, project_id: str) -> bool:
    """Say whether *actor* may change projects; it may do all of it, or nothing."""
    try:
        await handlers(office).revise(actor, project_id, name="Artemis")
    except Forbidden:
        with pytest.raises(Forbidden):
            await handlers(office).create(actor, name="Apollo")
        with pytest.raises(Forbidden):
            await handlers(office).remove(actor, project_id)
        return False
    made = await handlers(office).create(actor, name="Apollo")
    await handlers(office).remove(actor, made.id)
    return True


@pytest.mark.parametrize("role", Role)
async def test_everybody_reads_and_a_viewer_changes_nothing(office: Office, role: Role) -> None:
    admin = await office.admin()
    made = await handlers(office).create(admin, name="Apollo")
    member = await office.member(admin, role)
    assert await reads(office, member, made.id)
    assert await writes(office, member, made.id) == (role is not Role.VIEWER)


@pytest.mark.parametrize("scope", Scope)
async def test_a_key_does_what_its_scope_says(office: Office, scope: Scope) -> None:
    admin = await office.admin()
    made = await handlers(office).create(admin, name="Apollo")
    by_key = await office.by_key(admin, scope)
    assert await reads(office, by_key, made.id) == (scope is Scope.READ)
    assert await writes(office, by_key, made.id) == (scope is Scope.WRITE)
