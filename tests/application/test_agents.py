"""Agents, by whoever calls the core itself: what the wire would refuse is refused here, too."""

import pytest

from orbiter.adapters.memory.run_feed import MemoryRunFeed
from orbiter.adapters.system.ids import new_id
from orbiter.adapters.templating.json_schemas import JsonSchemas
from orbiter.application.agents import AgentHandlers
from orbiter.application.projects import ProjectHandlers
from orbiter.application.run_agent import RunAgent
from orbiter.application.run_endings import RunEndings
from orbiter.application.starting import Starting
from orbiter.domain.agents import AgentStatus, Guardrails, Memory
from orbiter.domain.errors import Conflict, Forbidden, Invalid
from orbiter.domain.identity import Actor, Role, Scope
from orbiter.domain.runs import RunKind, RunStatus, Trigger
from support.office import Office, wrong_fields
from support.runs import IdleEngine


@pytest.fixture
def agents(office: Office) -> AgentHandlers:
    return AgentHandlers(office.work, JsonSchemas())


@pytest.fixture
def run(office: Office) -> RunAgent:
    events = RunEndings(office.storage, MemoryRunFeed())
    return RunAgent(office.work, Starting(office.work, IdleEngine(), events))


@pytest.fixture
async def ada(office: Office) -> Actor:
    return await office.admin()


async def a_project(office: Office, actor: Actor) -> str:
    return (await ProjectHandlers(office.work, IdleEngine()).create(actor, name="Apollo")).id


async def test_everything_that_is_wrong_is_told_at_once(
    office: Office, agents: AgentHandlers, ada: Actor
) -> None:
    project_id = await a_project(office, ada)
    with pytest.raises(Invalid) as refused:
        await agents.create(
            ada,
            project_id=new_id(),
            name="",
            model="gpt",
            temperature=3,
            tools=("nothing", "nothing"),
            knowledge_bases=(new_id(),),
            memory=Memory(window=0),
            output_schema={"type": 5},
            guardrails=Guardrails(blocked_patterns=("(",)),
        )
    expected = {
        "name",
        "model",
        "temperature",
        "tools.0",
        "tools.1",
        "knowledge_bases.0",
        "memory.window",
        "output_schema",
        "guardrails.blocked_patterns.0",
        "project_id",
    }
    assert wrong_fields(refused.value).keys() == expected
    made = await agents.create(ada, project_id=project_id, name="Desk")
    with pytest.raises(Invalid) as refused:
        await agents.revise(ada, made.id, name="n" * 256, max_turns=0, handoffs=(new_id(),))
    assert wrong_fields(refused.value).keys() == {"name", "max_turns", "handoffs.0"}
    assert await agents.get(ada, made.id) == made


async def test_a_change_that_builds_on_another_state_is_refused(
    office: Office, agents: AgentHandlers, ada: Actor
) -> None:
    made = await agents.create(ada, project_id=await a_project(office, ada), name="Desk")
    await agents.revise(ada, made.id, expected={1}, name="Table")
    with pytest.raises(Conflict) as refused:
        await agents.revise(ada, made.id, expected={1}, name="Chair")
    assert refused.value.details == {"revision": 2}


async def test_a_run_is_accepted_with_what_it_is_about(
    office: Office, agents: AgentHandlers, run: RunAgent, ada: Actor
) -> None:
    project_id = await a_project(office, ada)
    made = await agents.create(ada, project_id=project_id, name="Desk")
    inputs = {"input": "Hello", "context": {"a": 1}}
    accepted = await run(ada, made.id, inputs=inputs)
    assert (accepted.kind, accepted.agent_id, accepted.workflow_id) == (
        RunKind.AGENT,
        made.id,
        None,
    )
    assert (accepted.status, accepted.trigger) == (RunStatus.QUEUED, Trigger.MANUAL)
    assert (accepted.project_id, accepted.version, accepted.inputs) == (project_id, 1, inputs)
    key = await office.by_key(ada, Scope.RUN)
    assert (await run(key, made.id, inputs=inputs)).trigger is Trigger.API
    (entry, _) = await office.audited(ada, action="run.started")
    assert (entry.actor_id, entry.entity_id) == (ada.user_id, accepted.id)


async def test_an_archived_agent_is_not_run(
    office: Office, agents: AgentHandlers, run: RunAgent, ada: Actor
) -> None:
    project_id, status = await a_project(office, ada), AgentStatus.ARCHIVED
    made = await agents.create(ada, project_id=project_id, name="Desk", status=status)
    with pytest.raises(Conflict, match="archived"):
        await run(ada, made.id, inputs={"input": "Hello"})


async def test_who_only_looks_runs_nothing(
    office: Office, agents: AgentHandlers, run: RunAgent, ada: Actor
) -> None:
    made = await agents.create(ada, project_id=await a_project(office, ada), name="Desk")
    viewer = await office.member(ada, Role.VIEWER)
    assert (await agents.get(viewer, made.id)).name == "Desk"
    reader = await office.by_key(ada, Scope.READ, Scope.WRITE)
    for actor in (viewer, reader):
        with pytest.raises(Forbidden):
            await run(actor, made.id, inputs={"input": "Hello"})
