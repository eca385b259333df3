"""Runs: one execution of a workflow, and the steps of its trace."""

from orbiter.domain.runs.run import (
    TERMINAL,
    Run,
    RunError,
    RunKind,
    RunStatus,
    Trigger,
    Usage,
)
from orbiter.domain.runs.spending import Spending
from orbiter.domain.runs.step import Step, StepError, StepKind, StepStatus

__all__ = [
    "TERMINAL",
    "Run",
    "RunError",
    "RunKind",
    "RunStatus",
    "Spending",
    "Step",
    "StepError",
    "StepKind",
    "StepStatus",
    "Trigger",
    "Usage",
]
