"""What schedules and hooks in memory have in common: they belong to a workflow."""

from collections.abc import Iterable
from typing import TypeVar

from orbiter.adapters.memory.tables import Tables
from orbiter.application.ports.triggers import TriggerFilter
from orbiter.domain.hooks import Hook
from orbiter.domain.schedules import Schedule

Started = TypeVar("Started", Schedule, Hook)


def drop_triggers(tables: Tables, workflow_id: str) -> None:
    """Delete what starts a workflow that is being deleted."""
    for schedule in tables.schedules.rows():
        if schedule.workflow_id == workflow_id:
            tables.schedules.drop(schedule.id)
    for hook in tables.hooks.rows():
        if hook.workflow_id == workflow_id:
            tables.hooks.drop(hook.id)


def matching(rows: Iterable[Started], only: TriggerFilter) -> Iterable[Started]:
    """Return the *rows* that are wanted."""
    return (row for row in rows if only.workflow_id in (None, row.workflow_id))
