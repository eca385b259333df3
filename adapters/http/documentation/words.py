"""What the examples say: one story, of Ada, her project, and a workflow that greets."""

from collections.abc import Mapping
from typing import Any, Final

ID: Final = "019ad2f1-5b0e-7c2a-9a44-1f0e6a1c9b11"
MOMENT: Final = "2026-11-24T09:30:00.123Z"

_TOLD: Final = f'data: {{"run_id":"{ID}","at":"{MOMENT}",'
EVENTS: Final = f"""\
id: 1
event: run.started
{_TOLD}"sequence":1,"type":"run.started","run":{{"status":"running"}}}}

: heartbeat

id: 2
event: run.completed
{_TOLD}"sequence":2,"type":"run.completed","run":{{"status":"completed"}}}}

"""
_NODES: Final = [
    {
        "id": "start",
        "type": "start",
        "position": {"x": 0, "y": 80},
        "config": {
            "inputs": {"type": "object", "properties": {"name": {"type": "string"}}},
        },
    },
    {
        "id": "greet",
        "type": "template",
        "position": {"x": 240, "y": 80},
        "config": {"template": "Hello, {{ inputs.name }}!"},
    },
    {
        "id": "end",
        "type": "end",
        "position": {"x": 480, "y": 80},
        "config": {"output": "{{ nodes.greet.output }}"},
    },
]
_EDGES: Final = [
    {"id": "start-greet", "source": "start", "target": "greet"},
    {"id": "greet-end", "source": "greet", "target": "end"},
]
_INPUTS: Final = {"name": "Ada"}
_GREETING: Final = "Hello, Ada!"

# By schema and property: where a property's name alone says too little.
SPECIFIC: Final[Mapping[str, Any]] = {
    "AgentOut.model": "openai:gpt-4o",
    "AgentUpdate.model": "openai:gpt-4o",
    "AgentVersionOut.model": "openai:gpt-4o",
    "ApiKeyOut.name": "GitHub Actions",
    "ApiKeyOut.prefix": "orb_4fTq9sLx",
    "Canvas.edges": _EDGES,
    "Canvas.nodes": _NODES,
    "CanvasIn.edges": _EDGES,
    "CanvasIn.nodes": _NODES,
    "CsrfOut.token": "v4Q0mTn1lq7gJ1dO2rFz6uXyqJ8kq3sT",
    "HealthOut.status": "ok",
    "InvitedOut.invite_token": "Wq2mZ7tR0yKc5uJ1oXn8vB3aEhLpD6sG",
    "InvitedOut.name": None,
    "InvitedOut.role": "developer",
    "InvitedOut.status": "invited",
    "MemberOut.role": "developer",
    "MemberOut.status": "active",
    "MemberUpdate.role": "viewer",
    "NewAgent.model": "openai:gpt-4o",
    "NewImport.url": None,
    "NewKeyOut.name": "GitHub Actions",
    "NewKeyOut.prefix": "orb_4fTq9sLx",
    "NewMember.role": "developer",
    "NewTool.kind": "http",
    "OfferedModelsOut.models": ["gpt-4o", "gpt-4o-mini"],
    "Pagination.has_more": False,
    "PasswordChange.new_password": "staple-battery-horse-correct",
    "PasswordReset.token": "8Jm3xv0bUq2s4kQxYtWc1nR7pEoLhZ5a",
    "ProviderOut.max_retries": 3,
    "ProviderOut.priority": 0,
    "ProviderOut.status": "connected",
    "ProviderTestOut.latency_ms": 214,
    "ProviderTestOut.models": ["gpt-4o", "gpt-4o-mini"],
    "RunDetailOut.step_count": 1,
    "StartAgent.version": None,
    "StartRun.version": None,
    "StepOut.input": {},
    "StepOut.name": "greet",
    "StepOut.node_id": "greet",
    "ToolOut.kind": "http",
    "Trial.arguments": {"order": "4711"},
    "TrialOut.output": {"status": 200, "headers": {}, "body": {"state": "on its way"}},
    "UserOut.role": "admin",
    "WorkflowItem.name": "Greeting",
    "WorkflowOut.name": "Greeting",
}

# By property, wherever it stands and the schema itself shows nothing.
GENERAL: Final[Mapping[str, Any]] = {
    "action": "project.created",
    "actor_email": "ada@example.org",
    "address": "203.0.113.7",
    "attempt": 1,
    "current_password": "correct-horse-battery-staple",
    "description": "Greets whoever asks",
    "duration_ms": 4,
    "entity_id": ID,
    "entity_type": "project",
    "inputs": _INPUTS,
    "issues": [],
    "logs": [],
    "name": "Ada",
    "output": _GREETING,
    "status": "completed",
    "total": 1,
    "usage": {"input_tokens": 0, "output_tokens": 0, "total_tokens": 0},
    "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
    "version": 3,
}

# Null in this story, where a schema allows it.
ABSENT: Final = frozenset(
    {
        "agent_id",
        "api_key_id",
        "conversation_id",
        "deployment_id",
        "error",
        "invite_token",
        "iteration",
        "last_error",
        "model",
        "next_cursor",
        "parent_run_id",
        "parent_step_id",
        "source_run_id",
    }
)

# How what is answered with a status differs from what is usual.
BY_STATUS: Final[Mapping[str, Mapping[str, Any]]] = {
    "202": {
        "status": "queued",
        "output": None,
        "started_at": None,
        "finished_at": None,
        "duration_ms": None,
    },
}
