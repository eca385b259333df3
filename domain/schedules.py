"""A schedule: a workflow that starts by the clock."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final, TypedDict, Unpack

from orbiter.domain.checks import require, text_problems

NAME_MAX: Final = 255
CRON_MAX: Final = 100
TIMEZONE_MAX: Final = 64
ERROR_MAX: Final = 1000


class ScheduleChanges(TypedDict, total=False):
    """Fields a caller may revise; an absent key means leave it alone."""

    workflow_id: str
    name: str | None
    cron: str
    timezone: str
    inputs: Mapping[str, Any]
    enabled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """When to start what; *next_run_at* is None while it is disabled, or will never come.

    *cron* has five fields, read in *timezone* (an IANA name). *last_error* says why the newest tick
    started nothing, and is None once one has.
    """

    id: str
    workspace_id: str
    workflow_id: str
    name: str | None = None
    cron: str
    timezone: str = "UTC"
    inputs: Mapping[str, Any] = field(default_factory=dict)
    enabled: bool = True
    next_run_at: datetime | None = None
    last_run_at: datetime | None = None
    last_error: str | None = None
    created_by: str
    created_at: datetime
    updated_at: datetime

    def __post_init__(self) -> None:
        require(
            text_problems("name", self.name, minimum=1, maximum=NAME_MAX),
            text_problems("cron", self.cron, minimum=1, maximum=CRON_MAX),
            text_problems("timezone", self.timezone, minimum=1, maximum=TIMEZONE_MAX),
        )

    def revise(self, *, at: datetime, **changes: Unpack[ScheduleChanges]) -> "Schedule":
        """Return the schedule with *changes* applied."""
        return replace(self, updated_at=at, **changes)

    def plan(self, next_run_at: datetime | None) -> "Schedule":
        """Return the schedule with its next tick, which a disabled one does not have."""
        return replace(self, next_run_at=next_run_at if self.enabled else None)

    def succeed(self, *, at: datetime) -> "Schedule":
        """Note that a tick started a run."""
        return replace(self, last_run_at=at, last_error=None)

    def fail(self, reason: str) -> "Schedule":
        """Note why a tick started none."""
        return replace(self, last_error=reason[:ERROR_MAX])
