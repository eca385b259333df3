"""Agents: what they are set to, their heads, and their versions."""

from orbiter.domain.agents.agent import Agent, AgentChanges, AgentStatus, AgentVersion
from orbiter.domain.agents.settings import (
    INLINE_AGENT,
    MAX_TOKENS,
    REFERENCES,
    AgentSettings,
    Guardrails,
    Memory,
    MemoryType,
    Personal,
    model_problems,
    settings_of,
)

__all__ = [
    "INLINE_AGENT",
    "MAX_TOKENS",
    "REFERENCES",
    "Agent",
    "AgentChanges",
    "AgentSettings",
    "AgentStatus",
    "AgentVersion",
    "Guardrails",
    "Memory",
    "MemoryType",
    "Personal",
    "model_problems",
    "settings_of",
]
