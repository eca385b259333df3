"""The loop of an agent: a model speaks, its calls are made, and it reads what they gave."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final

from orbiter.application.execution.agents.guardrails import (
    admitted,
    guards_answers,
    redacted,
    released,
)
from orbiter.application.execution.agents.memory import remembered
from orbiter.application.execution.agents.offers import Offered, Offers, found, meant, offers_of
from orbiter.application.execution.agents.structured import value_of
from orbiter.application.execution.agents.tool_calls import called
from orbiter.application.execution.calls import Calls
from orbiter.application.execution.model_calls import FILTERED, ask
from orbiter.application.execution.outcome import NodeFailed
from orbiter.application.ports.execution import Parked
from orbiter.application.ports.models import (
    ChatAnswer,
    ChatMessage,
    ChatRequest,
    ChatRole,
    FinishReason,
    ToolUse,
)
from orbiter.domain.agents import AgentSettings, AgentVersion
from orbiter.domain.checks import counted

AT_ONCE_MAX: Final = 32
_REPAIR: Final = (
    "Your answer does not follow the JSON Schema that it has to follow. {problems}\n"
    "Answer again, with nothing but JSON that follows the schema."
)


async def respond(
    agent: AgentVersion, text: str, calls: Calls, context: Mapping[str, Any] | None = None
) -> Any:
    """Return the agent's answer to *text*: a text, or a value where it has an output schema.

    Each call of a model or tool is recorded, and a step in *calls*. Raise NodeFailed, or Parked
    while a tool waits for what may take long.
    """
    told = json.dumps(context, ensure_ascii=False) if context else ""
    loop = _Loop(agent=agent, outer=calls, context=told)
    return await loop.answer(text)


@dataclass(kw_only=True)
class _Loop:
    """One answer in the making, in the step of *outer*.

    *agent* changes where one hands over to another; *bound* says that it has not spoken yet, so
    that its choice of tools holds.
    """

    agent: AgentVersion
    outer: Calls
    context: str
    recalled: int = 0
    messages: list[ChatMessage] = field(default_factory=list)
    offers: Offers = field(default_factory=dict)
    bound: bool = True

    async def answer(self, text: str) -> Any:
        guardrails = self._settings.guardrails
        schemas = self.calls.journey.world.schemas
        asked = admitted(text, guardrails, schemas, context=self.context)
        history = await remembered(self.agent, self.calls)
        self.recalled = len(history)
        self.messages = [*history, _said(ChatRole.USER, asked)]
        self.offers = await offers_of(self.agent, self.calls, "agents")
        most = self._settings.max_turns
        for turn in range(1, most + 1):
            answer = await self._turn(turn)
            if not answer.tool_calls or self._settings.tool_choice == ToolUse.NONE:
                value, text = await self._value(answer)
                return released(value, text, self._settings.guardrails, schemas)
            await self._use(turn, answer)
        raise NodeFailed("MAX_TURNS", f"The agent took more than {counted(most, 'turn')}")

    @property
    def _settings(self) -> AgentSettings:
        return self.agent.settings

    @property
    def calls(self) -> Calls:
        """Return where calls are made, whose steps show no more than the agent's model sees."""
        guardrails, shown = self._settings.guardrails, self.outer.shown
        return replace(self.outer, shown=lambda value: redacted(shown(value), guardrails))

    async def _turn(self, turn: int) -> ChatAnswer:
        request = self._request()
        answer = await self._ask(f"model.{turn}", request)
        if answer.finish_reason is FinishReason.CONTENT_FILTER and not answer.tool_calls:
            raise NodeFailed("CONTENT_FILTERED", FILTERED)
        if request.tool_use is ToolUse.REQUIRED and not answer.tool_calls:
            self.outer.note("The model called no tool, although tool_choice says that it has to")
        # Who has to call a tool each time never comes to an answer.
        self.bound = False
        return answer

    async def _ask(self, name: str, request: ChatRequest) -> ChatAnswer:
        aloud = self.calls.depth == 1 and not guards_answers(self._settings.guardrails)
        return await ask(self.calls, name, self._settings.model, request, aloud=aloud)

    def _request(self, *, may_call: bool = True) -> ChatRequest:
        settings = self._settings
        use, required = self._choice()
        instructions = self._instructions()
        return ChatRequest(
            model="",
            messages=(*instructions, *self.messages),
            earlier=len(instructions) + self.recalled,
            tools=[each.offer for each in self.offers.values()],
            tool_use=use if may_call else ToolUse.NONE,
            required_tool=required if may_call else None,
            parallel_tool_calls=settings.parallel_tool_calls,
            temperature=settings.temperature,
            top_p=settings.top_p,
            max_tokens=settings.max_tokens,
            output_schema=settings.output_schema,
        )

    def _instructions(self) -> Sequence[ChatMessage]:
        parts = [self._settings.instructions] if self._settings.instructions else []
        if self.context:
            parts.append(f"Context: {self.context}")
        told = redacted("\n\n".join(parts), self._settings.guardrails)
        return (_said(ChatRole.SYSTEM, told),) if told else ()

    async def _value(self, answer: ChatAnswer) -> tuple[Any, str]:
        """Return the answer's value and text, asked for once more if it breaks its schema."""
        schema, schemas = self._settings.output_schema, self.calls.journey.world.schemas
        if schema is None:
            return answer.text, answer.text
        if answer.finish_reason is FinishReason.REFUSAL:
            raise NodeFailed("MODEL_REFUSED", f"The model refused: {answer.text}")
        value, problems = value_of(answer.text, schema, schemas)
        if problems:
            self.messages.append(_said(ChatRole.ASSISTANT, answer.text))
            wish = _REPAIR.format(problems=" ".join(problems))
            self.messages.append(_said(ChatRole.USER, wish))
            answer = await self._ask("model.repair", self._request(may_call=False))
            value, problems = value_of(answer.text, schema, schemas)
        if problems:
            raise NodeFailed("OUTPUT_SCHEMA_VIOLATED", "; ".join(problems))
        return value, answer.text

    async def _use(self, turn: int, answer: ChatAnswer) -> None:
        """Make the calls of an answer, and let the model read what they gave, in their order."""
        asked = answer.tool_calls
        self.messages.append(
            ChatMessage(role=ChatRole.ASSISTANT, content=answer.text, tool_calls=asked)
        )
        wanted = meant(self.offers, asked)
        calls = [
            partial(called, self.calls, f"tool.{turn}.{place}", call, offered, respond)
            for place, (call, offered) in enumerate(zip(asked, wanted, strict=True), 1)
        ]
        given = await _together(calls, at_once=self._settings.parallel_tool_calls)
        for call, text in zip(asked, given, strict=True):
            told = redacted(text, self._settings.guardrails)
            self.messages.append(
                ChatMessage(role=ChatRole.TOOL, content=told, tool_call_id=call.id)
            )
        await self._hand_over(turn, wanted)

    async def _hand_over(self, turn: int, wanted: Sequence[Offered | None]) -> None:
        for offered in wanted:
            if offered is not None and offered.takes_over and offered.agent is not None:
                self.agent, self.bound = offered.agent, True
                self.offers = await offers_of(self.agent, self.calls, f"agents.{turn}")
                return

    def _choice(self) -> tuple[ToolUse, str | None]:
        """Return whether a tool is to be called now, and which, if it has to be a certain one."""
        chosen = self._settings.tool_choice
        if chosen == ToolUse.NONE and self.offers:
            return ToolUse.NONE, None
        if chosen in (ToolUse.NONE, ToolUse.AUTO) or not self.bound:
            return ToolUse.AUTO, None
        one = None if isinstance(chosen, str) else found(self.offers, chosen["name"])
        if one is None and (not self.offers or not isinstance(chosen, str)):
            self.outer.note("There is no tool that tool_choice could mean")
            return ToolUse.AUTO, None
        return ToolUse.REQUIRED, None if one is None else one.offer.name


async def _together(
    calls: Sequence[Callable[[], Awaitable[str]]], *, at_once: bool
) -> Sequence[str]:
    """Return what the *calls* give, made *at_once* or in turn.

    Raise Parked once nothing but what waits for long is under way.
    """
    waiting = list[Parked]()
    room = asyncio.Semaphore(AT_ONCE_MAX if at_once else 1)

    async def settled(call: Callable[[], Awaitable[str]]) -> str:
        async with room:
            try:
                return "" if waiting and not at_once else await call()
            except Parked as parked:
                waiting.append(parked)
                return ""

    tasks = [asyncio.ensure_future(settled(call)) for call in calls]
    try:
        given = await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    if waiting:
        raise Parked.together(waiting)
    return given


def _said(role: ChatRole, text: str) -> ChatMessage:
    return ChatMessage(role=role, content=text)
