"""Two tenants who know each other's ids: what is not the caller's does not exist."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import astuple, dataclass, fields
from typing import Any

import pytest

from orbiter.adapters.memory.run_feed import MemoryRunFeed
from orbiter.adapters.models.echo import EchoModels
from orbiter.adapters.sandbox.monty import MontySandbox
from orbiter.adapters.security.encryption import FernetCipher
from orbiter.adapters.system.ids import new_id
from orbiter.adapters.templating.json_schemas import JsonSchemas
from orbiter.application.agents import AgentHandlers
from orbiter.application.conversations import ConversationHandlers
from orbiter.application.notifications import NotificationHandlers
from orbiter.application.paging import Page, PageRequest
from orbiter.application.ports.agents import AgentFilter
from orbiter.application.ports.conversations import ConversationFilter
from orbiter.application.ports.notifications import NotificationFilter
from orbiter.application.ports.repositories import AuditFilter, RunFilter
from orbiter.application.ports.secrets import SecretFilter
from orbiter.application.ports.tools import ToolFilter
from orbiter.application.ports.triggers import TriggerFilter
from orbiter.application.ports.workflows import WorkflowFilter
from orbiter.application.projects import ProjectHandlers
from orbiter.application.providers import ProviderHandlers
from orbiter.application.run_agent import RunAgent
from orbiter.application.run_endings import RunEndings
from orbiter.application.run_events import Chronicle, RunEventHandlers
from orbiter.application.run_workflow import RunWorkflow
from orbiter.application.runs import RunHandlers
from orbiter.application.sealing import Seals
from orbiter.application.secrets import SecretHandlers
from orbiter.application.send_message import SendMessage
from orbiter.application.starting import Starting
from orbiter.application.tools import ToolHandlers
from orbiter.application.try_tool import TryTool
from orbiter.application.vendors import Vendors
from orbiter.application.workflows import WorkflowHandlers
from orbiter.domain.conversations import Message, MessageRole, Rating
from orbiter.domain.errors import NotFound
from orbiter.domain.identity import Actor, Role
from orbiter.domain.providers import ProviderType
from orbiter.domain.tools import ToolKind
from support.builders import a_notification
from support.graphs import Laboratory
from support.office import Office
from support.runs import IdleEngine, a_run
from support.tools import tools_over
from support.triggers import Triggers


@dataclass(frozen=True)
class Belongings:
    """One id of each kind, of one workspace."""

    member: str
    session: str
    api_key: str
    project: str
    agent: str
    workflow: str
    schedule: str
    hook: str
    notification: str
    provider: str
    secret: str
    tool: str
    conversation: str
    message: str
    run: str


async def settle(office: Office, email: str) -> tuple[Actor, Belongings]:
    """Return the admin of a new workspace and what is in it."""
    admin = await office.admin(email)
    member = await office.member(admin, Role.DEVELOPER)
    project = await ProjectHandlers(office.work, IdleEngine()).create(admin, name="Apollo")
    made = await office.api_keys.create(admin, name="key")
    drawn = await WorkflowHandlers(office.work, JsonSchemas()).create(
        admin, project_id=project.id, name="Greeting"
    )
    agent = await agents_of(office).create(admin, project_id=project.id, name="Desk")
    triggers = Triggers(office.storage, office.clock)
    schedule = await triggers.schedules.create(
        admin, workflow_id=drawn.workflow.id, cron="0 9 * * *"
    )
    hooked = await triggers.hooks.create(admin, workflow_id=drawn.workflow.id, name="Orders")
    provider = await providers_of(office).create(
        admin, name="echoes", provider_type=ProviderType.ECHO
    )
    secret = await secrets_of(office).create(
        admin, name="TOKEN", value="correct-horse", project_id=project.id
    )
    tool = await tools_of(office).create(
        admin,
        project_id=project.id,
        name="lookup",
        kind=ToolKind.HTTP,
        config={"url": "https://api.example.org"},
    )
    run = a_run(admin.workspace_id, project.id)
    async with office.storage.open(admin.workspace_id) as uow:
        await uow.runs.add(run)
        notification = a_notification(await uow.users.get(admin.user_id))
        await uow.notifications.tell([notification])
    conversation = await conversations_of(office).create(admin, agent_id=agent.id)
    message = Message(
        id=new_id(),
        workspace_id=admin.workspace_id,
        conversation_id=conversation.id,
        sequence=100,
        role=MessageRole.ASSISTANT,
        content="Hello",
        created_at=office.clock.now(),
    )
    async with office.storage.open(admin.workspace_id) as uow:
        await uow.conversations.add_message(message)
    return admin, Belongings(
        member=member.user_id,
        session=str(admin.session_id),
        api_key=made.api_key.id,
        project=project.id,
        agent=agent.id,
        workflow=drawn.workflow.id,
        schedule=schedule.id,
        hook=hooked.hook.id,
        notification=notification.id,
        provider=provider.id,
        secret=secret.id,
        tool=tool.id,
        conversation=conversation.id,
        message=message.id,
        run=run.id,
    )


def conversations_of(office: Office) -> ConversationHandlers:
    chronicle = Chronicle(MemoryRunFeed(), office.work.clock)
    return ConversationHandlers(office.work, IdleEngine(), chronicle)


def sender_of(office: Office) -> SendMessage:
    run_agent = runner_of(office)
    return SendMessage(office.work, run_agent.starting, run_agent)


def agents_of(office: Office) -> AgentHandlers:
    return AgentHandlers(office.work, JsonSchemas())


def runner_of(office: Office) -> RunAgent:
    events = RunEndings(office.storage, MemoryRunFeed())
    return RunAgent(office.work, Starting(office.work, IdleEngine(), events))


def providers_of(office: Office) -> ProviderHandlers:
    vendors = Vendors(EchoModels(), Seals(FernetCipher(["k" * 32])))
    return ProviderHandlers(office.work, vendors)


def secrets_of(office: Office) -> SecretHandlers:
    return SecretHandlers(office.work, Seals(FernetCipher(["k" * 32])))


def tools_of(office: Office) -> ToolHandlers:
    return tools_over(office.work, MontySandbox())


def trial_of(office: Office) -> TryTool:
    laboratory = Laboratory(kept=office.storage)
    starting = Starting(office.work, IdleEngine(), RunEndings(office.storage, MemoryRunFeed()))
    start = RunWorkflow(office.work, starting, laboratory.executor)
    return TryTool(office.work, laboratory.world, start, runner_of(office))


def handlers_of_runs(office: Office) -> RunHandlers:
    feed = MemoryRunFeed()
    chronicle = Chronicle(feed, office.work.clock)
    return RunHandlers(office.work, IdleEngine(), RunEndings(office.storage, feed), chronicle)


def calls(office: Office, actor: Actor, theirs: Belongings) -> dict[str, Awaitable[object]]:
    """Return every call that takes an id, made by *actor* with somebody's ids."""
    projects, workflows = (
        ProjectHandlers(office.work, IdleEngine()),
        WorkflowHandlers(office.work, JsonSchemas()),
    )
    runs, request = handlers_of_runs(office), PageRequest()
    events = RunEventHandlers(office.work, MemoryRunFeed())
    triggers = Triggers(office.storage, office.clock)
    providers, secrets = providers_of(office), secrets_of(office)
    agents, run_agent = agents_of(office), runner_of(office)
    tools, try_tool = tools_of(office), trial_of(office)
    schedules, hooks = triggers.schedules, triggers.hooks
    notifications = NotificationHandlers(office.work)
    conversations, send_message = conversations_of(office), sender_of(office)
    return {
        "sessions.remove": office.sessions.remove(actor, theirs.session),
        "members.get": office.members.get(actor, theirs.member),
        "members.revise": office.members.revise(actor, theirs.member, role=Role.VIEWER),
        "members.remove": office.members.remove(actor, theirs.member),
        "api_keys.get": office.api_keys.get(actor, theirs.api_key),
        "api_keys.remove": office.api_keys.remove(actor, theirs.api_key),
        "runs.get": runs.get(actor, theirs.run),
        "runs.follow": events.follow(actor, theirs.run),
        "runs.steps": runs.steps(actor, theirs.run, request),
        "runs.cancel": runs.cancel(actor, theirs.run),
        "runs.remove": runs.remove(actor, theirs.run),
        "schedules.get": schedules.get(actor, theirs.schedule),
        "schedules.revise": schedules.revise(actor, theirs.schedule, enabled=False),
        "schedules.remove": schedules.remove(actor, theirs.schedule),
        "hooks.get": hooks.get(actor, theirs.hook),
        "hooks.remove": hooks.remove(actor, theirs.hook),
        "notifications.require": notifications.require(actor, theirs.notification),
        "notifications.mark": notifications.mark(actor, theirs.notification, read=True),
        "providers.get": providers.get(actor, theirs.provider),
        "providers.revise": providers.revise(actor, theirs.provider, enabled=False),
        "providers.test": providers.test(actor, theirs.provider),
        "providers.models": providers.models(actor, theirs.provider),
        "providers.remove": providers.remove(actor, theirs.provider),
        "secrets.get": secrets.get(actor, theirs.secret),
        "secrets.revise": secrets.revise(actor, theirs.secret, value="battery-staple"),
        "secrets.remove": secrets.remove(actor, theirs.secret),
        "tools.get": tools.get(actor, theirs.tool),
        "tools.revise": tools.revise(actor, theirs.tool, name="mine"),
        "tools.test": try_tool(actor, theirs.tool, arguments={}),
        "tools.remove": tools.remove(actor, theirs.tool),
        "messages.rate": conversations.rate(
            actor, theirs.conversation, theirs.message, rating=Rating.UP
        ),
        "conversations.get": conversations.get(actor, theirs.conversation),
        "conversations.revise": conversations.revise(actor, theirs.conversation, title="Mine"),
        "conversations.messages": conversations.messages(actor, theirs.conversation, request),
        "conversations.send": send_message.begin(actor, theirs.conversation, "Hello"),
        "conversations.remove": conversations.remove(actor, theirs.conversation),
        "agents.get": agents.get(actor, theirs.agent),
        "agents.run": run_agent(actor, theirs.agent, inputs={"input": "Hello"}),
        "agents.revise": agents.revise(actor, theirs.agent, name="Mine"),
        "agents.duplicate": agents.duplicate(actor, theirs.agent),
        "agents.versions": agents.versions(actor, theirs.agent, request),
        "agents.restore": agents.restore(actor, theirs.agent, 1),
        "agents.remove": agents.remove(actor, theirs.agent),
        "workflows.get": workflows.get(actor, theirs.workflow),
        "workflows.revise": workflows.revise(actor, theirs.workflow, name="Mine"),
        "workflows.duplicate": workflows.duplicate(actor, theirs.workflow),
        "workflows.versions": workflows.versions(actor, theirs.workflow, request),
        "workflows.restore": workflows.restore(actor, theirs.workflow, 1),
        "workflows.remove": workflows.remove(actor, theirs.workflow),
        "projects.get": projects.get(actor, theirs.project),
        "projects.revise": projects.revise(actor, theirs.project, name="Mine"),
        "projects.remove": projects.remove(actor, theirs.project, cascade=True),
    }


async def stored(office: Office, actor: Actor) -> list[object]:
    """Return what *actor*'s workspace holds."""
    everything = PageRequest(limit=100)
    async with office.storage.open(actor.workspace_id, reading=True) as uow:
        return [
            await uow.users.page(everything),
            await uow.sessions.page(everything, actor.user_id),
            await uow.api_keys.page(everything, None),
            await uow.projects.page(everything),
            await uow.agents.page(everything, AgentFilter()),
            await uow.workflows.page(everything, WorkflowFilter()),
            await uow.schedules.page(everything, TriggerFilter()),
            await uow.hooks.page(everything, TriggerFilter()),
            await uow.notifications.page(everything, NotificationFilter(user_id=actor.user_id)),
            await uow.providers.page(everything),
            await uow.secrets.page(everything, SecretFilter()),
            await uow.tools.page(everything, ToolFilter()),
            await uow.conversations.page(everything, ConversationFilter()),
            [
                await uow.conversations.messages(each.id, everything)
                for each in (await uow.conversations.page(everything, ConversationFilter())).items
            ],
            await uow.runs.page(everything, RunFilter()),
            await uow.audit_log.page(everything, AuditFilter()),
        ]


def with_anothers_ids(ada: Belongings, alan: Belongings) -> Belongings:
    return alan


def with_unknown_ids(ada: Belongings, alan: Belongings) -> Belongings:
    return Belongings(**{kind.name: new_id() for kind in fields(Belongings)})


def with_ids_of_the_wrong_kind(ada: Belongings, alan: Belongings) -> Belongings:
    names, ids = [kind.name for kind in fields(Belongings)], astuple(ada)
    return Belongings(**dict(zip(names, (*ids[1:], ids[0]), strict=True)))


def with_malformed_ids(ada: Belongings, alan: Belongings) -> Belongings:
    return Belongings(
        member="",
        session="x" * 10_000,
        api_key="\0",
        project=ada.project.upper(),
        agent=f"{ada.agent} ",
        workflow=f"{ada.workflow}\n",
        schedule="",
        hook=ada.hook.upper(),
        notification="\0",
        provider="\ud800",
        secret=f"{{{ada.secret}}}",
        tool=ada.tool.replace("-", ""),
        conversation="\0",
        message=ada.message.upper(),
        run="latest",
    )


@pytest.mark.parametrize(
    "choose",
    [with_anothers_ids, with_unknown_ids, with_ids_of_the_wrong_kind, with_malformed_ids],
)
async def test_nothing_is_found_and_nothing_changes(
    office: Office, choose: Callable[[Belongings, Belongings], Belongings]
) -> None:
    ada, hers = await settle(office, "ada@example.org")
    alan, his = await settle(office, "alan@example.org")
    before = await stored(office, ada), await stored(office, alan)
    messages = {}
    for name, call in calls(office, ada, choose(hers, his)).items():
        with pytest.raises(NotFound) as refusal:
            await call
        messages[name.partition(".")[0]] = refusal.value.message
    assert (await stored(office, ada), await stored(office, alan)) == before
    assert messages == {
        "sessions": "Session not found",
        "members": "User not found",
        "api_keys": "API key not found",
        "projects": "Project not found",
        "agents": "Agent not found",
        "workflows": "Workflow not found",
        "schedules": "Schedule not found",
        "hooks": "Hook not found",
        "notifications": "Notification not found",
        "providers": "Provider not found",
        "secrets": "Secret not found",
        "tools": "Tool not found",
        "messages": "Message not found",
        "conversations": "Conversation not found",
        "runs": "Run not found",
    }


async def test_the_same_calls_find_what_is_the_callers(office: Office) -> None:
    ada, hers = await settle(office, "ada@example.org")
    outcomes = {}
    for name, call in calls(office, ada, hers).items():
        outcomes[name] = (await asyncio.gather(call, return_exceptions=True))[0]
    found = {name for name, outcome in outcomes.items() if not isinstance(outcome, NotFound)}
    assert found == set(outcomes)


async def test_lists_hold_the_own_workspace_alone(office: Office) -> None:
    ada, _ = await settle(office, "ada@example.org")
    await settle(office, "alan@example.org")
    request = PageRequest(limit=100)
    triggers = Triggers(office.storage, office.clock)
    pages: list[Page[Any]] = [
        await office.members.page(ada, request),
        await office.api_keys.page(ada, request),
        await office.audit_log.page(ada, request, AuditFilter()),
        await ProjectHandlers(office.work, IdleEngine()).page(ada, request),
        await agents_of(office).page(ada, request, AgentFilter()),
        await conversations_of(office).page(ada, request, ConversationFilter()),
        await WorkflowHandlers(office.work, JsonSchemas()).page(ada, request, WorkflowFilter()),
        await triggers.schedules.page(ada, request, TriggerFilter()),
        await triggers.hooks.page(ada, request, TriggerFilter()),
        await NotificationHandlers(office.work).page(ada, request),
        await providers_of(office).page(ada, request),
        await secrets_of(office).page(ada, request, SecretFilter()),
        await tools_of(office).page(ada, request, ToolFilter(kind=ToolKind.HTTP)),
        await handlers_of_runs(office).page(ada, request, RunFilter()),
    ]
    assert all(item.workspace_id == ada.workspace_id for page in pages for item in page.items)
    assert [len(page.items) for page in pages] == [2, 1, 15, *[1] * 11]
