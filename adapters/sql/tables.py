"""The metadata with every table in it."""

from orbiter.adapters.sql import (
    api_keys,
    audit_log,
    effects,
    executions,
    executors,
    idempotency,
    password_resets,
    projects,
    rate_limits,
    run_events,
    runs,
    sessions,
    steps,
    users,
    workflows,
    workspaces,
)
from orbiter.adapters.sql.metadata import metadata

__all__ = [
    "api_keys",
    "audit_log",
    "effects",
    "executions",
    "executors",
    "idempotency",
    "metadata",
    "password_resets",
    "projects",
    "rate_limits",
    "run_events",
    "runs",
    "sessions",
    "steps",
    "users",
    "workflows",
    "workspaces",
]
