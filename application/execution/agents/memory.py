"""What an agent is told again of the conversation it speaks in."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from orbiter.application.execution.agents.guardrails import redacted, refusal_of
from orbiter.application.execution.calls import Calls
from orbiter.application.execution.model_calls import ask
from orbiter.application.ports.models import ChatMessage, ChatRequest, ChatRole
from orbiter.domain.agents import AgentVersion, MemoryType

SUMMARY: Final = "summary"  # what the step of the call that sums up is called

_SUMMARISE: Final = (
    "Summarise the conversation below for yourself, so that you can go on with it. Keep names,"
    " numbers, decisions, open questions and what the user prefers. Answer with the summary alone."
)


async def remembered(agent: AgentVersion, calls: Calls) -> Sequence[ChatMessage]:
    """Return the messages before the new one, as the agent's memory and guardrails let them be."""
    memory, run = agent.settings.memory, calls.journey.run
    if run.conversation_id is None or calls.depth > 1 or memory.type is MemoryType.NONE:
        return ()
    if memory.type is MemoryType.SUMMARY:
        return await _summed_up(agent, calls)
    history = _guarded(agent, calls, await calls.journey.world.catalogue.history(run))
    return history if memory.type is MemoryType.CONVERSATION else history[-memory.window :]


async def _summed_up(agent: AgentVersion, calls: Calls) -> Sequence[ChatMessage]:
    """Return the last messages, after a summary of those before, made anew where it lacks some."""
    catalogue, run = calls.journey.world.catalogue, calls.journey.run
    kept = await catalogue.summary(run)
    history = await catalogue.history(run, after=0 if kept is None else kept.sequence)
    summary = [] if kept is None else [_told(kept.text)]
    passed = max(len(history) - agent.settings.memory.window, 0)
    if passed:
        earlier = _guarded(agent, calls, [*summary, *history[:passed]])
        summary = [_told(await _summary(agent, calls, earlier))] if earlier else []
    return _guarded(agent, calls, [*summary, *history[passed:]])


async def _summary(agent: AgentVersion, calls: Calls, messages: Sequence[ChatMessage]) -> str:
    told = "\n\n".join(f"{each.role.value}: {each.content}" for each in messages)
    request = ChatRequest(
        model="",
        messages=(
            ChatMessage(role=ChatRole.SYSTEM, content=_SUMMARISE),
            ChatMessage(role=ChatRole.USER, content=told),
        ),
    )
    answer = await ask(calls, SUMMARY, agent.settings.model, request, aloud=False, title=SUMMARY)
    return answer.text


def _told(summary: str) -> ChatMessage:
    return ChatMessage(role=ChatRole.SYSTEM, content=f"Before that: {summary}")


def _guarded(
    agent: AgentVersion, calls: Calls, messages: Sequence[ChatMessage]
) -> Sequence[ChatMessage]:
    """Return the messages without personal data, and without what was refused as input."""
    guardrails, schemas = agent.settings.guardrails, calls.journey.world.schemas
    return [
        replace(each, content=redacted(each.content, guardrails))
        for each in messages
        if each.role is not ChatRole.USER or not refusal_of(each.content, guardrails, schemas)
    ]
