"""Calling a model from a run: a recorded effect, a step of its own, told while it speaks."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Any, Final

from orbiter.application.execution.calls import Calls
from orbiter.application.execution.outcome import NodeFailed
from orbiter.application.ports.models import (
    Answered,
    ChatAnswer,
    ChatMessage,
    ChatRequest,
    FinishReason,
    ToolCall,
)
from orbiter.domain.agents import model_problems
from orbiter.domain.runs import StepKind, Usage
from orbiter.domain.secrets import SecretValues

FILTERED: Final = "The provider's content filter held the answer back"


async def ask(
    calls: Calls,
    name: str,
    model: Any,
    request: ChatRequest,
    *,
    aloud: bool = True,
    title: str | None = None,
) -> ChatAnswer:
    """Return the answer of *model*, by default the project's or a provider's; raise NodeFailed.

    *name* tells the call from others in the same place; its step is called *title*, by default as
    the model. What is said *aloud* is told to whoever watches the run, unless the model was told a
    secret: it may say it in pieces.
    """
    journey = calls.journey
    chosen = _named(model or await journey.world.catalogue.default_model(journey.run))
    aloud = aloud and not any(journey.secrets.are_in(each.content) for each in request.messages)
    body = partial(_asked, chosen, request, aloud)
    answer = await calls.make(
        name, StepKind.MODEL, title or chosen, body, input=_shown(request), model=chosen
    )
    return _answer(answer)


async def _asked(model: str, request: ChatRequest, aloud: bool, calls: Calls) -> Any:
    """Return what *model* answers, as it is recorded; the step of *calls* is that of the call."""
    journey = calls.journey
    tell = partial(journey.world.deltas.tell, journey.run.id, calls.step.id)

    def note(line: str) -> None:
        calls.note(journey.secrets.redacted(line))

    async def call() -> Any:
        answered = await journey.world.models.chat(
            journey.run.workspace_id, model, request, tell if aloud else None, note
        )
        return {**_recorded(answered, journey.secrets), "logs": [*calls.logs]}

    recorded = await calls.records.perform(call, own=True)
    for line in recorded.get("logs", ()):
        calls.note(line)
    if not calls.step.reused:
        # The run that this one goes on from has paid for it.
        calls.account.charge(*_price(recorded))
    return recorded["answer"]


def _named(model: Any) -> str:
    """Return the model's name; what a template made may be anything."""
    if not model:
        raise NodeFailed("MODEL_MISSING", "No model is set, and there is no default model")
    if not isinstance(model, str) or any(model_problems(model)):
        message = f"{model!r:.100} names no model: it must be like openai:gpt-4o"
        raise NodeFailed("PROVIDER_NOT_FOUND", message)
    return model


def _recorded(answered: Answered, secrets: SecretValues) -> Mapping[str, Any]:
    answer, cost = answered.answer, answered.cost_usd
    usage = answer.usage
    return {
        "answer": {
            "text": secrets.redacted(answer.text),
            "tool_calls": [_recorded_call(each, secrets) for each in answer.tool_calls],
            "finish_reason": answer.finish_reason.value,
        },
        "usage": None if usage is None else [usage.input_tokens, usage.output_tokens],
        "cost_usd": None if cost is None else str(cost),
    }


def _price(recorded: Mapping[str, Any]) -> tuple[Usage, Decimal | None]:
    usage, cost = recorded["usage"], recorded["cost_usd"]
    tokens = Usage() if usage is None else Usage(input_tokens=usage[0], output_tokens=usage[1])
    return tokens, None if cost is None else Decimal(cost)


def _answer(answer: Mapping[str, Any]) -> ChatAnswer:
    return ChatAnswer(
        text=answer["text"],
        tool_calls=tuple(ToolCall(**each) for each in answer["tool_calls"]),
        finish_reason=FinishReason(answer["finish_reason"]),
    )


def _recorded_call(call: ToolCall, secrets: SecretValues) -> Mapping[str, Any]:
    parts = {"id": call.id, "name": call.name, "arguments": call.arguments, "text": call.text}
    if call.kept:
        parts["kept"] = call.kept
    return {name: secrets.redacted(value) for name, value in parts.items()}


def _shown(request: ChatRequest) -> Mapping[str, Any]:
    """Return the request as the trace shows it."""
    shown: dict[str, Any] = {"messages": _messages(request.messages)}
    if request.tools:
        shown["tools"] = [offer.name for offer in request.tools]
        shown["tool_choice"] = request.required_tool or request.tool_use.value
    for name in ("temperature", "top_p", "max_tokens", "output_schema"):
        if (value := getattr(request, name)) is not None:
            shown[name] = value
    return shown


def _messages(messages: Sequence[ChatMessage]) -> Sequence[Mapping[str, Any]]:
    return [_message(each) for each in messages]


def _message(message: ChatMessage) -> Mapping[str, Any]:
    shown: dict[str, Any] = {"role": message.role.value, "content": message.content}
    if message.tool_calls:
        shown["tool_calls"] = [
            {"id": each.id, "name": each.name, "arguments": each.arguments}
            for each in message.tool_calls
        ]
    if message.tool_call_id is not None:
        shown["tool_call_id"] = message.tool_call_id
    return shown
