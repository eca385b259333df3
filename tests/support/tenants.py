"""A workspace with something of everything in it, and what is done to every kind alike."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from orbiter.adapters.system.ids import new_id
from orbiter.application.paging import Page, PageRequest
from orbiter.application.ports.agents import AgentFilter
from orbiter.application.ports.conversations import ConversationFilter
from orbiter.application.ports.notifications import NotificationFilter
from orbiter.application.ports.repositories import AuditFilter, RunFilter
from orbiter.application.ports.secrets import SecretFilter
from orbiter.application.ports.storage import Storage, UnitOfWork
from orbiter.application.ports.tools import ToolFilter
from orbiter.application.ports.triggers import TriggerFilter
from orbiter.application.ports.workflows import WorkflowFilter
from orbiter.domain.agents import Agent, AgentSettings
from orbiter.domain.conversations import Summary
from orbiter.domain.projects import Project
from orbiter.domain.runs import RunStatus
from orbiter.domain.users import User
from orbiter.domain.workflows import Workflow
from orbiter.domain.workspaces import Workspace
from support.builders import (
    a_conversation,
    a_hook,
    a_notification,
    a_project,
    a_provider,
    a_run,
    a_schedule,
    a_secret,
    a_session,
    a_tool,
    a_user,
    a_version,
    a_workflow,
    a_workspace,
    an_agent,
    an_api_key,
    an_entry,
)
from support.clock import START

# What `Repository` promises, each of these keeps.
NOUNS: Final = (
    "projects",
    "agents",
    "conversations",
    "workflows",
    "runs",
    "schedules",
    "hooks",
    "providers",
    "secrets",
    "tools",
    "notifications",
    "users",
    "sessions",
    "api_keys",
)
LISTS: Final = (*NOUNS, "audit_log")

_CHANGES: Final[dict[str, dict[str, Any]]] = {
    "projects": {"name": "Gemini", "description": None},
    "agents": {"name": "Desk", "settings": AgentSettings(max_turns=2), "revision": 2},
    "conversations": {
        "title": "Orders",
        "message_count": 2,
        "busy_run_id": new_id(),
        "summary": Summary(text="Nothing \ud800 much", sequence=1),
    },
    "workflows": {"name": "Answer the mail", "revision": 2},
    "runs": {"status": RunStatus.RUNNING, "started_at": START},
    "schedules": {"name": "Hourly", "inputs": {"a": [1]}, "next_run_at": None, "enabled": False},
    "hooks": {"name": "Old orders", "sealed_secret": b"\0sealed"},
    "providers": {"name": "Spare", "models": ("a:b",), "sealed_key": b"\0sealed", "priority": -1},
    "secrets": {"name": "RENAMED", "sealed_value": b"\0sealed"},
    "tools": {"name": "renamed", "config": {"url": "http://a"}, "enabled": False, "usage_count": 7},
    "notifications": {"title": "Done", "message": "", "read": True},
    "users": {"name": "Ann"},
    "sessions": {"address": "203.0.113.9"},
    "api_keys": {"name": "Hourly build"},
}


@dataclass(frozen=True)
class Tenant:
    """A workspace and what others in it refer to."""

    workspace: Workspace
    user: User
    project: Project
    workflow: Workflow
    agent: Agent

    @property
    def id(self) -> str:
        return self.workspace.id

    def new(self, noun: str, **changes: Any) -> Any:
        """Return one more of a kind, to be stored."""
        match noun:
            case "projects":
                return a_project(self.id, **changes)
            case "agents":
                return an_agent(self.project, **changes)
            case "conversations":
                return a_conversation(self.agent, **changes)
            case "workflows":
                return a_workflow(self.project, **changes)
            case "runs":
                return a_run(self.project, workflow_id=self.workflow.id, **changes)
            case "schedules":
                return a_schedule(self.workflow, **changes)
            case "hooks":
                return a_hook(self.workflow, **changes)
            case "providers":
                return a_provider(self.id, **changes)
            case "secrets":
                return a_secret(self.project, **changes)
            case "tools":
                return a_tool(self.project, **changes)
            case "notifications":
                return a_notification(self.user, **changes)
            case "users":
                return a_user(self.id, **changes)
            case "sessions":
                return a_session(self.user, **changes)
            case "api_keys":
                return an_api_key(self.user, **changes)
            case _:
                return an_entry(self.id, **changes)

    async def page(self, uow: UnitOfWork, noun: str, request: PageRequest) -> Page[Any]:
        """Return a page of all there are of a kind."""
        match noun:
            case "projects":
                return await uow.projects.page(request)
            case "agents":
                return await uow.agents.page(request, AgentFilter())
            case "conversations":
                return await uow.conversations.page(request, ConversationFilter())
            case "workflows":
                return await uow.workflows.page(request, WorkflowFilter())
            case "runs":
                return await uow.runs.page(request, RunFilter())
            case "schedules":
                return await uow.schedules.page(request, TriggerFilter())
            case "hooks":
                return await uow.hooks.page(request, TriggerFilter())
            case "providers":
                return await uow.providers.page(request)
            case "secrets":
                return await uow.secrets.page(request, SecretFilter())
            case "tools":
                return await uow.tools.page(request, ToolFilter())
            case "notifications":
                return await uow.notifications.page(
                    request, NotificationFilter(user_id=self.user.id)
                )
            case "users":
                return await uow.users.page(request)
            case "sessions":
                return await uow.sessions.page(request, self.user.id)
            case "api_keys":
                return await uow.api_keys.page(request, None)
            case _:
                return await uow.audit_log.page(request, AuditFilter())

    async def listed(self, storage: Storage, noun: str, **request: Any) -> Page[Any]:
        """Return a page of all there are of a kind, by a unit of work of its own."""
        async with storage.open(self.id, reading=True) as uow:
            return await self.page(uow, noun, PageRequest(**{"limit": 100, **request}))

    async def stored(self, storage: Storage, noun: str, **changes: Any) -> Any:
        """Return one more of a kind, stored."""
        entity = self.new(noun, **changes)
        async with storage.open(self.id) as uow:
            await repository(uow, noun).add(entity)
        return entity


async def settle(storage: Storage) -> Tenant:
    """Store a workspace with a user, a project, a workflow and an agent."""
    workspace = a_workspace()
    user = a_user(workspace.id)
    project = a_project(workspace.id, created_by=user.id)
    workflow, agent = a_workflow(project), an_agent(project)
    async with storage.open(workspace.id) as uow:
        await uow.credentials.add_workspace(workspace)
        await uow.users.add(user)
        await uow.projects.add(project)
        await uow.workflows.add(workflow)
        await uow.workflows.add_version(a_version(workflow))
        await uow.agents.add(agent)
        await uow.agents.add_version(agent.snapshot(by=agent.created_by, at=START))
    return Tenant(workspace, user, project, workflow, agent)


def repository(uow: UnitOfWork, noun: str) -> Any:
    """Return the repository of a kind."""
    return getattr(uow, noun)


def changed(noun: str, entity: Any) -> Any:
    """Return the entity with something else in it."""
    return replace(entity, **_CHANGES[noun])


async def found(storage: Storage, workspace_id: str, noun: str, entity_id: str) -> Any:
    """Return what a unit of work of its own finds."""
    async with storage.open(workspace_id, reading=True) as uow:
        return await repository(uow, noun).get(entity_id)


def ids(rows: Sequence[Any]) -> list[str]:
    """Return the ids of rows."""
    return [row.id for row in rows]
