"""Whatever an entity holds, it comes back equal."""

from dataclasses import fields, replace
from typing import Any, Final

from hypothesis import HealthCheck, given, settings

from orbiter.application.paging import PageRequest
from orbiter.application.ports.repositories import AuditFilter, RunFilter
from orbiter.application.ports.storage import Storage
from orbiter.domain.agents import Agent, AgentVersion
from orbiter.domain.api_keys import ApiKey
from orbiter.domain.audit_log import AuditEntry
from orbiter.domain.hooks import Hook
from orbiter.domain.notifications import Notification
from orbiter.domain.password_resets import PasswordReset
from orbiter.domain.projects import Project
from orbiter.domain.providers import Provider
from orbiter.domain.runs import Run, Step
from orbiter.domain.schedules import Schedule
from orbiter.domain.secrets import Secret
from orbiter.domain.sessions import Session
from orbiter.domain.tools import Tool
from orbiter.domain.users import User
from orbiter.domain.workflows import Workflow, WorkflowVersion
from support import strategies
from support.builders import a_workflow, an_agent
from support.tenants import Tenant, found, repository

odd: Final = settings(
    max_examples=40,
    deadline=None,
    # One storage serves all the examples: each has ids of its own.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def fit(tenant: Tenant, entity: Any) -> Any:
    """Return the entity as the tenant's."""
    mine = {
        "workspace_id": tenant.id,
        "project_id": tenant.project.id,
        "user_id": tenant.user.id,
        **({"created_by": tenant.user.id} if isinstance(entity, ApiKey) else {}),
        **({"workflow_id": tenant.workflow.id} if isinstance(entity, Schedule | Hook) else {}),
    }
    names = {each.name for each in fields(entity)}
    return replace(entity, **{name: mine[name] for name in names & mine.keys()})


async def comes_back(storage: Storage, tenant: Tenant, noun: str, first: Any, second: Any) -> None:
    """Demand that an entity comes back as it was added, and as it was overwritten."""
    first, second = fit(tenant, first), replace(fit(tenant, second), id=first.id)
    async with storage.open(tenant.id) as uow:
        await repository(uow, noun).add(first)
    assert await found(storage, tenant.id, noun, first.id) == first
    async with storage.open(tenant.id) as uow:
        await repository(uow, noun).save(second)
    assert await found(storage, tenant.id, noun, first.id) == second
    assert second in (await tenant.listed(storage, noun)).items
    async with storage.open(tenant.id) as uow:
        await repository(uow, noun).remove(first.id)


@odd
@given(strategies.projects, strategies.projects)
async def test_projects(storage: Storage, tenant: Tenant, first: Project, second: Project) -> None:
    await comes_back(storage, tenant, "projects", first, second)


@odd
@given(strategies.agents, strategies.agents)
async def test_agents(storage: Storage, tenant: Tenant, first: Agent, second: Agent) -> None:
    await comes_back(storage, tenant, "agents", first, second)


@odd
@given(strategies.agent_versions)
async def test_versions_of_agents(storage: Storage, tenant: Tenant, version: AgentVersion) -> None:
    head = an_agent(tenant.project)
    version = replace(version, agent_id=head.id)
    async with storage.open(tenant.id) as uow:
        await uow.agents.add(head)
        await uow.agents.add_version(version)
    async with storage.open(tenant.id, reading=True) as uow:
        assert await uow.agents.version(head.id, version.version) == version


@odd
@given(strategies.workflows, strategies.workflows)
async def test_workflows(
    storage: Storage, tenant: Tenant, first: Workflow, second: Workflow
) -> None:
    await comes_back(storage, tenant, "workflows", first, second)


@odd
@given(strategies.schedules, strategies.schedules)
async def test_schedules(
    storage: Storage, tenant: Tenant, first: Schedule, second: Schedule
) -> None:
    await comes_back(storage, tenant, "schedules", first, second)


@odd
@given(strategies.hooks, strategies.hooks)
async def test_hooks(storage: Storage, tenant: Tenant, first: Hook, second: Hook) -> None:
    await comes_back(storage, tenant, "hooks", first, second)


@odd
@given(strategies.providers, strategies.providers)
async def test_providers(
    storage: Storage, tenant: Tenant, first: Provider, second: Provider
) -> None:
    await comes_back(storage, tenant, "providers", first, second)


@odd
@given(strategies.secrets, strategies.secrets)
async def test_secrets(storage: Storage, tenant: Tenant, first: Secret, second: Secret) -> None:
    await comes_back(storage, tenant, "secrets", first, second)


@odd
@given(strategies.tools, strategies.tools)
async def test_tools(storage: Storage, tenant: Tenant, first: Tool, second: Tool) -> None:
    await comes_back(storage, tenant, "tools", first, second)


@odd
@given(strategies.notifications, strategies.notifications)
async def test_notifications(
    storage: Storage, tenant: Tenant, first: Notification, second: Notification
) -> None:
    await comes_back(storage, tenant, "notifications", first, second)


@odd
@given(strategies.runs, strategies.runs)
async def test_runs(storage: Storage, tenant: Tenant, first: Run, second: Run) -> None:
    await comes_back(storage, tenant, "runs", first, second)


@odd
@given(strategies.users, strategies.users)
async def test_users(storage: Storage, tenant: Tenant, first: User, second: User) -> None:
    await comes_back(storage, tenant, "users", first, second)


@odd
@given(strategies.sessions, strategies.sessions)
async def test_sessions(storage: Storage, tenant: Tenant, first: Session, second: Session) -> None:
    await comes_back(storage, tenant, "sessions", first, second)


@odd
@given(strategies.api_keys, strategies.api_keys)
async def test_api_keys(storage: Storage, tenant: Tenant, first: ApiKey, second: ApiKey) -> None:
    await comes_back(storage, tenant, "api_keys", first, second)


@odd
@given(strategies.versions)
async def test_versions(storage: Storage, tenant: Tenant, version: WorkflowVersion) -> None:
    head = a_workflow(tenant.project)
    version = replace(version, workflow_id=head.id)
    async with storage.open(tenant.id) as uow:
        await uow.workflows.add(head)
        await uow.workflows.add_version(version)
    async with storage.open(tenant.id, reading=True) as uow:
        read = await uow.workflows.version(head.id, version.version)
        assert read == version
        assert exact(read.variables) == exact(version.variables)
        for node, drawn in zip(read.canvas.nodes, version.canvas.nodes, strict=True):
            assert exact(node.config) == exact(drawn.config)
        assert (await uow.workflows.versions(head.id, PageRequest())).items == [version]


@odd
@given(strategies.runs, strategies.steps)
async def test_values_of_runs_and_steps(
    storage: Storage, tenant: Tenant, run: Run, step: Step
) -> None:
    run, step = fit(tenant, run), replace(step, run_id=run.id)
    async with storage.open(tenant.id) as uow:
        await uow.runs.add(run)
        await uow.runs.put_steps([step])
    async with storage.open(tenant.id, reading=True) as uow:
        read = await uow.runs.get(run.id)
        assert exact([read.inputs, read.output]) == exact([run.inputs, run.output])
        steps = (await uow.runs.steps(run.id, PageRequest())).items
        assert steps == [step]
        assert exact([steps[0].input, steps[0].output]) == exact([step.input, step.output])


@odd
@given(strategies.runs)
async def test_a_run_is_found_by_any_part_of_it(storage: Storage, tenant: Tenant, run: Run) -> None:
    run = fit(tenant, run)
    async with storage.open(tenant.id) as uow:
        await uow.runs.add(run)
        for words in (*run.inputs, run.error.message if run.error else ""):
            for q in (words, words[1:4]):
                page = await uow.runs.page(PageRequest(limit=1), RunFilter(q=q))
                assert page.items == [run]


@odd
@given(strategies.entries)
async def test_audit_entries(storage: Storage, tenant: Tenant, entry: AuditEntry) -> None:
    entry = fit(tenant, entry)
    async with storage.open(tenant.id) as uow:
        await uow.audit_log.add(entry)
        page = await uow.audit_log.page(PageRequest(limit=1), AuditFilter(action=entry.action))
        assert page.items == [entry]


@odd
@given(strategies.resets)
async def test_password_resets(storage: Storage, tenant: Tenant, reset: PasswordReset) -> None:
    reset = fit(tenant, reset)
    async with storage.open(tenant.id) as uow:
        await uow.credentials.add_reset(reset)
        assert await uow.credentials.reset(reset.token_hash) == reset
        assert await uow.credentials.take_reset(reset.token_hash) == reset


def exact(value: Any) -> Any:
    """Return what also tells 1 from 1.0 and from True, and the order of keys."""
    if isinstance(value, dict):
        return [(key, exact(item)) for key, item in value.items()]
    if isinstance(value, list | tuple):
        return [exact(item) for item in value]
    return type(value), value
