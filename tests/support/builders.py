"""Valid entities with one call; override only what the test is about."""

import secrets
from dataclasses import replace
from datetime import timedelta
from typing import Any

from orbiter.adapters.system.ids import new_id
from orbiter.domain.agents import Agent, AgentSettings, AgentVersion
from orbiter.domain.api_keys import ApiKey
from orbiter.domain.audit_log import AuditEntry
from orbiter.domain.conversations import Conversation
from orbiter.domain.hooks import Hook
from orbiter.domain.identity import Role, Scope
from orbiter.domain.notifications import Notification, NotificationKind
from orbiter.domain.password_resets import PasswordReset
from orbiter.domain.projects import Project
from orbiter.domain.providers import Provider, ProviderType
from orbiter.domain.runs import Run, Step, Trigger
from orbiter.domain.schedules import Schedule
from orbiter.domain.secrets import Secret
from orbiter.domain.sessions import Session
from orbiter.domain.tools import Tool, ToolKind
from orbiter.domain.users import User
from orbiter.domain.workflows import Canvas, Edge, Node, Workflow, WorkflowVersion
from orbiter.domain.workspaces import Workspace
from support.clock import START


def a_hash() -> str:
    """Return what is kept of a token nobody else has."""
    return secrets.token_hex(32)


def a_workspace(**changes: Any) -> Workspace:
    """Return a workspace."""
    return Workspace(**{"id": new_id(), "name": "Acme", "created_at": START, **changes})


def a_user(workspace_id: str, **changes: Any) -> User:
    """Return an active admin with an address of its own."""
    id = new_id()
    given = {
        "id": id,
        "workspace_id": workspace_id,
        "email": f"{id}@example.org",
        "role": Role.ADMIN,
        "password_hash": "hashed",
        "created_at": START,
        "updated_at": START,
    }
    return User(**{**given, **changes})


def a_session(user: User, **changes: Any) -> Session:
    """Return a sign-in of the user."""
    given = {
        "id": new_id(),
        "workspace_id": user.workspace_id,
        "user_id": user.id,
        "token_hash": a_hash(),
        "created_at": START,
        "last_used_at": START,
        "expires_at": START + timedelta(hours=72),
    }
    return Session(**{**given, **changes})


def an_api_key(user: User, **changes: Any) -> ApiKey:
    """Return a key of the user's making."""
    given = {
        "id": new_id(),
        "workspace_id": user.workspace_id,
        "created_by": user.id,
        "name": "Nightly build",
        "prefix": "orb_abcdefgh",
        "key_hash": a_hash(),
        "scopes": (Scope.CI,),
        "created_at": START,
    }
    return ApiKey(**{**given, **changes})


def a_reset(user: User, **changes: Any) -> PasswordReset:
    """Return a password reset the user asked for."""
    given = {"id": new_id(), "user_id": user.id, "token_hash": a_hash(), "expires_at": START}
    return PasswordReset(**{**given, **changes})


def an_entry(workspace_id: str, **changes: Any) -> AuditEntry:
    """Return a line of the audit log."""
    given = {
        "id": new_id(),
        "workspace_id": workspace_id,
        "actor_id": new_id(),
        "actor_email": "Ann@example.org",
        "action": "project.created",
        "entity_type": "project",
        "entity_id": new_id(),
        "address": "203.0.113.7",
        "created_at": START,
    }
    return AuditEntry(**{**given, **changes})


def a_project(workspace_id: str, **changes: Any) -> Project:
    """Return a project."""
    given = {
        "id": new_id(),
        "workspace_id": workspace_id,
        "name": "Apollo",
        "created_by": new_id(),
        "created_at": START,
        "updated_at": START,
    }
    return Project(**{**given, **changes})


def a_provider(workspace_id: str, **changes: Any) -> Provider:
    """Return a provider with a name of its own."""
    id = new_id()
    given = {
        "id": id,
        "workspace_id": workspace_id,
        "name": id,
        "provider_type": ProviderType.OPENAI,
        "created_by": new_id(),
        "created_at": START,
        "updated_at": START,
    }
    return Provider(**{**given, **changes})


def a_workflow(project: Project, **changes: Any) -> Workflow:
    """Return the head of a workflow in the project."""
    given = {
        "id": new_id(),
        "workspace_id": project.workspace_id,
        "project_id": project.id,
        "name": "Sort the mail",
        "created_by": project.created_by,
        "created_at": START,
        "updated_at": START,
    }
    return Workflow(**{**given, **changes})


def a_version(workflow: Workflow, **changes: Any) -> WorkflowVersion:
    """Return a version of the workflow: a start and an end."""
    given = {
        "workflow_id": workflow.id,
        "version": 1,
        "canvas": Canvas(
            nodes=(Node(id="start", type="start"), Node(id="end", type="end")),
            edges=(Edge(id="edge", source="start", target="end"),),
        ),
        "created_by": workflow.created_by,
        "created_at": START,
    }
    return WorkflowVersion(**{**given, **changes})


def a_conversation(agent: Agent, **changes: Any) -> Conversation:
    """Return a conversation with the agent, in which nothing is said yet."""
    given = {
        "id": new_id(),
        "workspace_id": agent.workspace_id,
        "agent_id": agent.id,
        "created_by": agent.created_by,
        "created_at": START,
        "updated_at": START,
    }
    return Conversation(**{**given, **changes})


def a_schedule(workflow: Workflow, **changes: Any) -> Schedule:
    """Return an enabled schedule of the workflow that is due in an hour."""
    given = {
        "id": new_id(),
        "workspace_id": workflow.workspace_id,
        "workflow_id": workflow.id,
        "cron": "30 10 * * *",
        "next_run_at": START + timedelta(hours=1),
        "created_by": workflow.created_by,
        "created_at": START,
        "updated_at": START,
    }
    return Schedule(**{**given, **changes})


def a_hook(workflow: Workflow, **changes: Any) -> Hook:
    """Return a hook of the workflow, with a token nobody else has."""
    given = {
        "id": new_id(),
        "workspace_id": workflow.workspace_id,
        "workflow_id": workflow.id,
        "name": "New orders",
        "token_hash": a_hash(),
        "created_by": workflow.created_by,
        "created_at": START,
    }
    return Hook(**{**given, **changes})


def a_notification(user: User, **changes: Any) -> Notification:
    """Return an unread message for the user, about no run."""
    given = {
        "id": new_id(),
        "workspace_id": user.workspace_id,
        "user_id": user.id,
        "kind": NotificationKind.NOTIFY,
        "title": "Sort the mail: tell",
        "message": "It is done",
        "created_at": START,
    }
    return Notification(**{**given, **changes})


def a_secret(project: Project, **changes: Any) -> Secret:
    """Return a secret of the project with a name of its own."""
    id = new_id()
    given = {
        "id": id,
        "workspace_id": project.workspace_id,
        "project_id": project.id,
        "name": f"S{id.replace('-', '').upper()}",
        "sealed_value": b"sealed",
        "created_by": project.created_by,
        "created_at": START,
        "updated_at": START,
    }
    return Secret(**{**given, **changes})


def an_agent(project: Project, **changes: Any) -> Agent:
    """Return an agent in the project."""
    given = {
        "id": new_id(),
        "workspace_id": project.workspace_id,
        "project_id": project.id,
        "name": "Order desk",
        "settings": AgentSettings(model="echo:echo"),
        "created_by": project.created_by,
        "created_at": START,
        "updated_at": START,
    }
    return Agent(**{**given, **changes})


def an_agent_version(agent: Agent, **changes: Any) -> AgentVersion:
    """Return the version that an agent is at."""
    return replace(agent.snapshot(by=agent.created_by, at=START), **changes)


def a_tool(project: Project, **changes: Any) -> Tool:
    """Return a tool of the project with a name of its own: a request to a service."""
    id = new_id()
    given = {
        "id": id,
        "workspace_id": project.workspace_id,
        "project_id": project.id,
        "name": id,
        "description": "Look an order up",
        "kind": ToolKind.HTTP,
        "parameters": {"type": "object", "properties": {"id": {"type": "string"}}},
        "config": {"url": "https://api.example.org/orders/{{ arguments.id }}"},
        "created_by": project.created_by,
        "created_at": START,
        "updated_at": START,
    }
    return Tool(**{**given, **changes})


def a_run(project: Project, **changes: Any) -> Run:
    """Return a queued run in the project."""
    given = {
        "id": new_id(),
        "workspace_id": project.workspace_id,
        "project_id": project.id,
        "version": 1,
        "trigger": Trigger.MANUAL,
        "queued_at": START,
        "created_by": project.created_by,
    }
    return Run(**{**given, **changes})


def a_step(run: Run, sequence: int = 0, **changes: Any) -> Step:
    """Return a step of the run that has begun."""
    given = {
        "id": new_id(),
        "run_id": run.id,
        "sequence": sequence,
        "node_id": "start",
        "name": "start",
        "started_at": START,
    }
    return Step(**{**given, **changes})
