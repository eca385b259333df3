"""What an agent is told again of the conversation it speaks in."""

from collections.abc import Sequence
from typing import Final

from orbiter.application.execution.calls import Calls
from orbiter.application.execution.model_calls import ask
from orbiter.application.ports.models import ChatMessage, ChatRequest, ChatRole
from orbiter.domain.agents import AgentVersion, MemoryType

_SUMMARISE: Final = (
    "Summarise the conversation below for yourself, so that you can go on with it. Keep names,"
    " numbers, decisions, open questions and what the user prefers. Answer with the summary alone."
)


async def remembered(agent: AgentVersion, calls: Calls) -> Sequence[ChatMessage]:
    """Return the messages before the new one, as the agent's memory keeps them."""
    memory, run = agent.settings.memory, calls.journey.run
    if run.conversation_id is None or calls.depth > 1 or memory.type is MemoryType.NONE:
        return ()
    history = await calls.journey.world.catalogue.history(run)
    if memory.type is MemoryType.CONVERSATION or len(history) <= memory.window:
        return history
    recent = history[len(history) - memory.window :]
    if memory.type is MemoryType.WINDOW:
        return recent
    earlier = await _summary(agent, calls, history[: len(history) - memory.window])
    return (ChatMessage(role=ChatRole.SYSTEM, content=f"Before that: {earlier}"), *recent)


async def _summary(agent: AgentVersion, calls: Calls, messages: Sequence[ChatMessage]) -> str:
    told = "\n\n".join(f"{each.role.value}: {each.content}" for each in messages)
    request = ChatRequest(
        model="",
        messages=(
            ChatMessage(role=ChatRole.SYSTEM, content=_SUMMARISE),
            ChatMessage(role=ChatRole.USER, content=told),
        ),
    )
    answer = await ask(calls, "summary", agent.settings.model, request, aloud=False)
    return answer.text
