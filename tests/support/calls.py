"""Calls of repositories, for a state machine: few ids, so that calls meet what others left."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, is_dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final

from hypothesis import strategies as st

from orbiter.application.paging import PageRequest
from orbiter.application.ports.agents import AgentFilter
from orbiter.application.ports.notifications import NotificationFilter
from orbiter.application.ports.repositories import AuditFilter, RunFilter
from orbiter.application.ports.storage import UnitOfWork
from orbiter.application.ports.triggers import TriggerFilter
from orbiter.application.ports.workflows import WorkflowFilter
from orbiter.domain.agents import Agent, AgentSettings, AgentStatus, AgentVersion
from orbiter.domain.api_keys import ApiKey
from orbiter.domain.hooks import Hook
from orbiter.domain.identity import Role
from orbiter.domain.notifications import Notification
from orbiter.domain.password_resets import PasswordReset
from orbiter.domain.projects import Project
from orbiter.domain.runs import Run, RunStatus, Step, StepStatus, Trigger
from orbiter.domain.schedules import Schedule
from orbiter.domain.sessions import Session
from orbiter.domain.users import User, UserStatus
from orbiter.domain.workflows import Workflow, WorkflowVersion
from support.builders import (
    a_hook,
    a_notification,
    a_project,
    a_run,
    a_schedule,
    a_session,
    a_user,
    a_version,
    a_workflow,
    a_workspace,
    an_agent,
    an_agent_version,
    an_api_key,
    an_entry,
)
from support.clock import START


@dataclass(frozen=True)
class Call:
    """A method of a repository and its arguments."""

    noun: str
    method: str
    arguments: tuple[Any, ...]
    named: Mapping[str, Any] = field(default_factory=dict)

    async def made(self, uow: UnitOfWork, workspace_id: str) -> Any:
        """Return what comes of it in a unit of work; what is added is the workspace's."""
        method = getattr(getattr(uow, self.noun), self.method)
        return await method(*(_fit(each, workspace_id) for each in self.arguments), **self.named)


def _fit(argument: Any, workspace_id: str) -> Any:
    if isinstance(argument, list):
        return [_fit(each, workspace_id) for each in argument]
    if is_dataclass(argument) and hasattr(argument, "workspace_id"):
        assert not isinstance(argument, type)
        return replace(argument, workspace_id=workspace_id)
    return argument


def _id(kind: str, number: int) -> str:
    return f"01900000-0000-7000-8000-{sha256(kind.encode()).hexdigest()[:10]}{number:02x}"


def _ids(kind: str) -> st.SearchStrategy[str]:
    return st.sampled_from([_id(kind, number) for number in range(3)])


def _hash(text: str) -> str:
    return sha256(text.encode()).hexdigest()


WORKSPACES: Final = tuple(_id("workspace", number) for number in range(2))

_projects: Final = _ids("project")
_agents: Final = _ids("agent")
_workflows: Final = _ids("workflow")
_runs: Final = _ids("run")
_schedules: Final = _ids("schedule")
_hooks: Final = _ids("hook")
_notifications: Final = _ids("notification")
_users: Final = _ids("user")
_sessions: Final = _ids("session")
_keys: Final = _ids("key")
_names: Final = st.sampled_from(["Apollo", "Gemini"])
_numbers: Final = st.integers(1, 3)
_moments: Final = st.integers(0, 3).map(lambda hours: START + timedelta(hours=hours))
_stamps: Final = {"created_at": _moments, "updated_at": _moments}
_nobody: Final = {"workspace_id": st.just("")}


def _a_version(workflow_id: str, number: int) -> WorkflowVersion:
    # It never changes, so what is in it follows from what it is called, whoever adds it when.
    head = a_workflow(a_project(""), id=workflow_id, created_by=workflow_id)
    return a_version(head, version=number, variables={"number": number})


def _an_agent_version(agent_id: str, number: int) -> AgentVersion:
    head = an_agent(a_project(""), id=agent_id, created_by=agent_id)
    return an_agent_version(head, version=number, settings=AgentSettings(max_turns=number))


def _a_session(id: str, user_id: str, at: datetime = START) -> Session:
    return a_session(a_user("", id=user_id), id=id, token_hash=_hash(id), last_used_at=at)


def _a_key(id: str, user_id: str, used_at: datetime | None = None) -> ApiKey:
    return an_api_key(a_user("", id=user_id), id=id, key_hash=_hash(id), last_used_at=used_at)


def _a_reset(user_id: str, at: datetime) -> PasswordReset:
    return PasswordReset(id=user_id, user_id=user_id, token_hash=_hash(user_id), expires_at=at)


def _a_schedule(id: str, workflow_id: str, at: datetime | None, name: str) -> Schedule:
    workflow = a_workflow(a_project("", created_by=id), id=workflow_id)
    return a_schedule(workflow, id=id, next_run_at=at, name=name)


def _a_hook(id: str, workflow_id: str, at: datetime | None = None) -> Hook:
    workflow = a_workflow(a_project("", created_by=id), id=workflow_id)
    return a_hook(workflow, id=id, token_hash=_hash(id), last_called_at=at)


def _a_notification(
    id: str, user_id: str, run_id: str | None, at: datetime, read: bool
) -> Notification:
    user = a_user("", id=user_id)
    return a_notification(user, id=id, run_id=run_id, step_id=run_id, created_at=at, read=read)


_a_project: Final = st.builds(
    Project, id=_projects, name=_names, created_by=_users, **_stamps, **_nobody
)
_a_workflow: Final = st.builds(
    Workflow,
    id=_workflows,
    project_id=_projects,
    name=_names,
    created_by=_users,
    **_stamps,
    **_nobody,
)
_an_agent: Final = st.builds(
    Agent,
    id=_agents,
    project_id=_projects,
    name=_names,
    status=st.sampled_from(AgentStatus),
    settings=st.builds(AgentSettings, max_turns=_numbers),
    version=_numbers,
    created_by=_users,
    **_stamps,
    **_nobody,
)
_a_run: Final = st.builds(
    Run,
    id=_runs,
    project_id=_projects,
    workflow_id=st.none() | _workflows,
    agent_id=st.none() | _agents,
    version=_numbers,
    status=st.sampled_from(RunStatus),
    trigger=st.sampled_from([Trigger.API, Trigger.CI]),
    inputs=st.sampled_from([{}, {"a": "Ärger"}, {"a%": [1, "_"]}]),
    output=st.sampled_from([None, "ärger", {"b": 'say "hi"'}]),
    queued_at=_moments,
    started_at=st.none() | _moments,
    finished_at=st.none() | _moments,
    **_nobody,
)
_a_step: Final = st.builds(
    Step,
    id=_ids("step"),
    run_id=_runs,
    sequence=st.integers(0, 5),
    node_id=_names,
    name=_names,
    status=st.sampled_from(StepStatus),
)
_schedule: Final = st.builds(_a_schedule, _schedules, _workflows, st.none() | _moments, _names)
_hook: Final = st.builds(_a_hook, _hooks, _workflows, st.none() | _moments)
_notice: Final = st.builds(
    _a_notification, _notifications, _users, st.none() | _runs, _moments, st.booleans()
)
_lone: Final = st.builds(
    _a_notification, _notifications, _users, st.none(), _moments, st.booleans()
)
_a_user: Final = st.builds(
    User,
    id=_users,
    email=st.sampled_from(["ann@example.org", "ANN@example.org", "bob@example.org"]),
    role=st.sampled_from(Role),
    status=st.sampled_from(UserStatus),
    invite_token_hash=st.none() | _users.map(_hash),
    **_stamps,
    **_nobody,
)
_sign_in: Final = st.builds(_a_session, _sessions, _users, _moments)
_key: Final = st.builds(_a_key, _keys, _users, st.none() | _moments)
_entry: Final = st.builds(
    lambda id, name, at: an_entry(
        "", id=id, actor_id=id, action=name, entity_id=None, created_at=at
    ),
    _ids("entry"),
    _names,
    _moments,
)

_run_filter: Final = st.builds(
    RunFilter,
    status=st.none() | st.sampled_from(RunStatus),
    project_id=st.none() | _projects,
    workflow_id=st.none() | _workflows,
    agent_id=st.none() | _agents,
    created_after=st.none() | _moments,
    created_before=st.none() | _moments,
    min_duration_ms=st.none() | st.sampled_from([0, 3_600_000]),
    q=st.none() | st.sampled_from(["ÄRGER", "%", "_", '"hi"', "a"]),
)
_audit_filter: Final = st.builds(
    AuditFilter, action=st.none() | _names, created_after=st.none() | _moments
)
_trigger_filter: Final = st.builds(TriggerFilter, workflow_id=st.none() | _workflows)
_notification_filter: Final = st.builds(
    NotificationFilter, user_id=_users, unread=st.none() | st.booleans()
)
_agent_filter: Final = st.builds(
    AgentFilter,
    project_id=st.none() | _projects,
    status=st.none() | st.sampled_from(AgentStatus),
)
_workflow_filter: Final = st.builds(WorkflowFilter, project_id=st.none() | _projects)


def _page(after: st.SearchStrategy[str]) -> st.SearchStrategy[PageRequest]:
    return st.builds(
        PageRequest,
        limit=st.sampled_from([1, 2, 100]),
        after=st.none() | after | st.just("x"),
        newest_first=st.booleans(),
    )


def _call(noun: str, method: str, *arguments: st.SearchStrategy[Any]) -> st.SearchStrategy[Call]:
    return st.builds(Call, st.just(noun), st.just(method), st.tuples(*arguments))


def _call_named(
    noun: str, method: str, argument: st.SearchStrategy[Any], **named: st.SearchStrategy[Any]
) -> st.SearchStrategy[Call]:
    arguments = st.tuples(argument)
    return st.builds(Call, st.just(noun), st.just(method), arguments, st.fixed_dictionaries(named))


def _kept(noun: str, ids: st.SearchStrategy[str], entity: st.SearchStrategy[Any]) -> Any:
    return st.one_of(
        _call(noun, "add", entity),
        _call(noun, "save", entity),
        _call(noun, "get", ids),
        _call(noun, "remove", ids),
    )


_EVERY: Final[st.SearchStrategy[Call]] = st.one_of(
    _kept("projects", _projects, _a_project),
    _call("projects", "page", _page(_projects)),
    _call("projects", "dependents", _projects),
    _call("projects", "empty", _projects),
    _kept("agents", _agents, _an_agent),
    _call("agents", "page", _page(_agents), _agent_filter),
    _call("agents", "known", st.lists(_agents | st.just("x"), max_size=3)),
    _call("agents", "add_version", st.builds(_an_agent_version, _agents, _numbers)),
    _call("agents", "version", _agents, _numbers),
    _call("agents", "versions", _agents, _page(_numbers.map(str))),
    _kept("workflows", _workflows, _a_workflow),
    _call("workflows", "page", _page(_workflows), _workflow_filter),
    _call("workflows", "add_version", st.builds(_a_version, _workflows, _numbers)),
    _call("workflows", "version", _workflows, _numbers),
    _call("workflows", "versions", _workflows, _page(_numbers.map(str))),
    _kept("runs", _runs, _a_run),
    _call("runs", "advance", _a_run),
    _call("runs", "page", _page(_runs), _run_filter),
    _call("runs", "put_steps", st.lists(_a_step, max_size=3)),
    _call("runs", "steps", _runs, _page(_numbers.map(str))),
    _kept("schedules", _schedules, _schedule),
    _call("schedules", "page", _page(_schedules), _trigger_filter),
    _call_named("schedules", "claim", _schedule, due=_moments),
    _kept("hooks", _hooks, _hook),
    _call("hooks", "page", _page(_hooks), _trigger_filter),
    _call("hooks", "touch", _hook),
    _kept("notifications", _notifications, _lone),
    _call("notifications", "page", _page(_notifications), _notification_filter),
    _call("notifications", "read_all", _users),
    _call("notifications", "settle", _runs, _runs),
    _call("notifications", "tell", st.lists(_notice, max_size=3)),
    _kept("users", _users, _a_user),
    _call("users", "page", _page(_users)),
    _call("users", "active_admins"),
    _kept("sessions", _sessions, _sign_in),
    _call("sessions", "touch", _sign_in),
    _call("sessions", "remove_all", _users),
    _call("sessions", "page", _page(_sessions), _users),
    _kept("api_keys", _keys, _key),
    _call("api_keys", "touch", _key),
    _call("api_keys", "page", _page(_keys), st.none() | _users),
    _call("audit_log", "add", _entry),
    _call("audit_log", "page", _page(_ids("entry")), _audit_filter),
    _call("credentials", "user_by_email", st.just("Ann@example.org")),
    _call("credentials", "user_by_invite", _users.map(_hash)),
    _call("credentials", "user", _users),
    _call("credentials", "any_user"),
    _call("credentials", "by_session", _sessions.map(_hash)),
    _call("credentials", "by_api_key", _keys.map(_hash)),
    _call("credentials", "add_reset", st.builds(_a_reset, _users, _moments)),
    _call("credentials", "reset", _users.map(_hash)),
    _call("credentials", "take_reset", _users.map(_hash)),
    _call("credentials", "unended_runs"),
    _call("credentials", "by_hook", _hooks.map(_hash)),
    _call_named("credentials", "due_schedules", _moments, limit=st.sampled_from([1, 100])),
    _call_named("credentials", "remove_ended_runs", _moments, limit=st.just(100)),
)


@st.composite
def any_call(draw: st.DrawFn) -> Call:
    """Draw any call; a strategy that shows itself in one word."""
    return draw(_EVERY)


def first_calls(number: int) -> Iterator[Call]:
    """Yield what stores one of each kind in a workspace, by its number."""
    user = a_user("", id=_id("user", number), email=f"{number}@example.org")
    project = a_project("", id=_id("project", number))
    workflow = a_workflow(project, id=_id("workflow", number))
    run = a_run(project, id=_id("run", number), workflow_id=workflow.id)
    yield Call("credentials", "add_workspace", (a_workspace(id=WORKSPACES[number]),))
    yield Call("users", "add", (user,))
    yield Call("projects", "add", (project,))
    agent = an_agent(project, id=_id("agent", number))
    yield Call("agents", "add", (agent,))
    yield Call("agents", "add_version", (_an_agent_version(agent.id, 1),))
    yield Call("workflows", "add", (workflow,))
    yield Call("workflows", "add_version", (_a_version(workflow.id, 1),))
    yield Call("runs", "add", (run,))
    yield Call(
        "schedules", "add", (_a_schedule(_id("schedule", number), workflow.id, START, "Apollo"),)
    )
    yield Call("hooks", "add", (_a_hook(_id("hook", number), workflow.id),))
    notice = _a_notification(_id("notification", number), user.id, run.id, START, False)
    yield Call("notifications", "tell", ([notice],))
    yield Call("sessions", "add", (_a_session(_id("session", number), user.id),))
    yield Call("api_keys", "add", (_a_key(_id("key", number), user.id),))
