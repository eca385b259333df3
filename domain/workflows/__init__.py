"""Workflows: the canvas, what each node kind may be set to, and the rules of the graph."""

from orbiter.domain.workflows.canvas import Canvas, Edge, Node, OnError, Position, Retry, Viewport
from orbiter.domain.workflows.rules import Issue, issues_of
from orbiter.domain.workflows.workflow import (
    Workflow,
    WorkflowChanges,
    WorkflowStatus,
    WorkflowVersion,
)

__all__ = [
    "Canvas",
    "Edge",
    "Issue",
    "Node",
    "OnError",
    "Position",
    "Retry",
    "Viewport",
    "Workflow",
    "WorkflowChanges",
    "WorkflowStatus",
    "WorkflowVersion",
    "issues_of",
]
