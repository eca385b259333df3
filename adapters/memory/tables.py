"""Rows as a unit of work sees them: what was committed when it began, and its own changes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Generic, TypeVar

from orbiter.application.ports.executions import Recorded
from orbiter.domain.agents import Agent, AgentVersion
from orbiter.domain.api_keys import ApiKey
from orbiter.domain.audit_log import AuditEntry
from orbiter.domain.conversations import Conversation, Message
from orbiter.domain.hooks import Hook
from orbiter.domain.notifications import Notification
from orbiter.domain.password_resets import PasswordReset
from orbiter.domain.prices import Price
from orbiter.domain.projects import Project
from orbiter.domain.providers import Provider
from orbiter.domain.run_events import RunEvent
from orbiter.domain.runs import Run, Step
from orbiter.domain.schedules import Schedule
from orbiter.domain.secrets import Secret
from orbiter.domain.sessions import Session
from orbiter.domain.tools import Tool
from orbiter.domain.users import User
from orbiter.domain.workflows import Workflow, WorkflowVersion
from orbiter.domain.workspaces import Workspace

Row = TypeVar("Row")


class Table(Generic[Row]):
    """Rows by key; a fork shares them until its first write copies them.

    *dropped* has the keys of those that were removed here.
    """

    __slots__ = ("_owned", "_reading", "_rows", "dropped")

    def __init__(self, rows: dict[str, Row] | None = None, *, reading: bool = False) -> None:
        self._rows: dict[str, Row] = {} if rows is None else rows
        self._owned = False
        self._reading = reading
        self.dropped: list[str] = []

    def fork(self, *, reading: bool) -> "Table[Row]":
        """Return a table that sees the same rows and changes none of them here."""
        return Table(self._rows, reading=reading)

    def get(self, key: str) -> Row | None:
        """Return the row of that key, if there is one."""
        return self._rows.get(key)

    def rows(self) -> Iterable[Row]:
        """Return every row."""
        return list(self._rows.values())

    def put(self, key: str, row: Row) -> None:
        """Store a row in place of the one of the same key."""
        self.for_writing()[key] = row

    def drop(self, key: str) -> None:
        """Remove the row of that key, if there is one."""
        if self.for_writing().pop(key, None) is not None:
            self.dropped.append(key)

    def for_writing(self) -> dict[str, Row]:
        """Return the rows to change; raise RuntimeError in a unit of work that only reads."""
        if self._reading:
            raise RuntimeError("This unit of work was opened for reading")
        if not self._owned:
            self._rows = dict(self._rows)
            self._owned = True
        return self._rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """A run that has not ended, as an engine keeps it."""

    run_id: str
    workspace_id: str
    executor_id: str | None = None
    due_at: datetime | None
    woken: bool = False
    takeups: int = 0
    seconds: float = 0.0
    interpreter: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutorLease:
    """Until when an executor may be taken for alive, in monotonic seconds."""

    expires_at: float
    interpreter: int


@dataclass(slots=True)
class Tables:
    """Everything that is kept; steps and effects lie under their run's id, versions under their
    head's, messages under their conversation's, prices under their workspace's.
    """

    workspaces: Table[Workspace] = field(default_factory=Table)
    projects: Table[Project] = field(default_factory=Table)
    workflows: Table[Workflow] = field(default_factory=Table)
    workflow_versions: Table[Mapping[int, WorkflowVersion]] = field(default_factory=Table)
    agents: Table[Agent] = field(default_factory=Table)
    agent_versions: Table[Mapping[int, AgentVersion]] = field(default_factory=Table)
    tools: Table[Tool] = field(default_factory=Table)
    conversations: Table[Conversation] = field(default_factory=Table)
    messages: Table[Mapping[str, Message]] = field(default_factory=Table)
    runs: Table[Run] = field(default_factory=Table)
    steps: Table[Mapping[str, Step]] = field(default_factory=Table)
    run_events: Table[Sequence[RunEvent]] = field(default_factory=Table)
    executions: Table[Execution] = field(default_factory=Table)
    effects: Table[Mapping[str, Recorded]] = field(default_factory=Table)
    executors: Table[ExecutorLease] = field(default_factory=Table)
    schedules: Table[Schedule] = field(default_factory=Table)
    hooks: Table[Hook] = field(default_factory=Table)
    providers: Table[Provider] = field(default_factory=Table)
    secrets: Table[Secret] = field(default_factory=Table)
    prices: Table[Mapping[str, Price]] = field(default_factory=Table)
    notifications: Table[Notification] = field(default_factory=Table)
    users: Table[User] = field(default_factory=Table)
    sessions: Table[Session] = field(default_factory=Table)
    api_keys: Table[ApiKey] = field(default_factory=Table)
    resets: Table[PasswordReset] = field(default_factory=Table)
    audit_log: Table[AuditEntry] = field(default_factory=Table)

    def fork(self, *, reading: bool) -> "Tables":
        """Return the draft of a unit of work."""
        return Tables(*(getattr(self, each.name).fork(reading=reading) for each in fields(self)))
