"""A run: accepted once, ended once."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

from orbiter.domain.errors import Conflict
from orbiter.domain.searching import searchable


class RunKind(StrEnum):
    """What was run."""

    WORKFLOW = "workflow"
    AGENT = "agent"


class RunStatus(StrEnum):
    """Where a run stands; the last three are written once and never change."""

    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


TERMINAL: Final = frozenset({RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.CANCELLED})


class Trigger(StrEnum):
    """What set a run off."""

    MANUAL = "manual"
    API = "api"
    CI = "ci"
    DEPLOYMENT = "deployment"
    SCHEDULE = "schedule"
    WEBHOOK = "webhook"
    CHAT = "chat"
    PARENT = "parent"
    REPLAY = "replay"


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens spent with models."""

    input_tokens: int = 0
    output_tokens: int = 0

    @property
    def total_tokens(self) -> int:
        """Return both together."""
        return self.input_tokens + self.output_tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class RunError:
    """Why a run failed; *node_id* is where, if it was in a node."""

    code: str
    message: str
    node_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One execution; every transition out of a terminal status raises Conflict."""

    id: str
    workspace_id: str
    kind: RunKind = RunKind.WORKFLOW
    workflow_id: str | None = None
    agent_id: str | None = None
    project_id: str
    version: int
    status: RunStatus = RunStatus.QUEUED
    trigger: Trigger
    inputs: Mapping[str, Any] = field(default_factory=dict)
    output: Any = None
    error: RunError | None = None
    usage: Usage = Usage()
    cost_usd: Decimal | None = Decimal(0)
    parent_run_id: str | None = None
    source_run_id: str | None = None
    conversation_id: str | None = None
    deployment_id: str | None = None
    queued_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    created_by: str | None = None

    @property
    def ended(self) -> bool:
        """Say whether the status is final."""
        return self.status in TERMINAL

    @property
    def duration_ms(self) -> int | None:
        """Return the milliseconds from start to end, None until it has ended."""
        if self.started_at is None or self.finished_at is None:
            return None
        return round((self.finished_at - self.started_at).total_seconds() * 1000)

    @property
    def searchable(self) -> str:
        """Return what the run can be found by: its id, inputs, output and error, folded."""
        error = (self.error.code, self.error.message) if self.error else ()
        return searchable(self.id, self.inputs, self.output, error)

    def start(self, *, at: datetime) -> "Run":
        """Leave the queue."""
        return self._become(RunStatus.RUNNING, started_at=self.started_at or at)

    def wait(self) -> "Run":
        """Leave the process until what it waits for has come."""
        return self._become(RunStatus.WAITING)

    def complete(self, output: Any, *, at: datetime) -> "Run":
        """End well."""
        return self._become(RunStatus.COMPLETED, output=output, finished_at=at)

    def fail(self, error: RunError, *, at: datetime) -> "Run":
        """End badly."""
        return self._become(RunStatus.FAILED, error=error, finished_at=at)

    def cancel(self, *, at: datetime) -> "Run":
        """End because somebody asked for it."""
        return self._become(RunStatus.CANCELLED, finished_at=at)

    def charge(self, usage: Usage, cost_usd: Decimal | None) -> "Run":
        """Return the run with what its calls of models have spent."""
        return replace(self, usage=usage, cost_usd=cost_usd)

    def _become(self, status: RunStatus, **changes: Any) -> "Run":
        if self.ended:
            raise Conflict(f"The run is already {self.status}")
        return replace(self, status=status, **changes)
