"""`llm`: one call of a model."""

from collections.abc import Mapping
from typing import Any

from orbiter.application.execution.agents.structured import value_of
from orbiter.application.execution.model_calls import FILTERED, ask
from orbiter.application.execution.outcome import NodeFailed, Outcome
from orbiter.application.execution.texts import as_text
from orbiter.application.execution.visit import Visit
from orbiter.application.ports.models import (
    ChatAnswer,
    ChatMessage,
    ChatRequest,
    ChatRole,
    FinishReason,
)


async def behave(visit: Visit) -> Outcome:
    """Give the answer's text, or the value where `output_schema` is set.

    Fail as models do, with OUTPUT_SCHEMA_VIOLATED, MODEL_REFUSED or CONTENT_FILTERED.
    """
    schema = visit.config.get("output_schema")
    config = {
        name: value if name == "output_schema" else visit.render(value)
        for name, value in visit.config.items()
    }
    visit.input = config
    request = _request(visit, config)
    answer = await visit.bounded(lambda: ask(visit.calls, "model", config.get("model"), request))
    if answer.finish_reason is FinishReason.CONTENT_FILTER:
        raise NodeFailed("CONTENT_FILTERED", FILTERED)
    return Outcome(answer.text if schema is None else _value(visit, answer, schema))


def _request(visit: Visit, config: Mapping[str, Any]) -> ChatRequest:
    texts = [(ChatRole.SYSTEM, config.get("system")), (ChatRole.USER, config["prompt"])]
    return ChatRequest(
        model="",
        messages=[
            ChatMessage(role=role, content=as_text(text))
            for role, text in texts
            if text is not None
        ],
        temperature=config.get("temperature"),
        max_tokens=config.get("max_tokens"),
        output_schema=config.get("output_schema"),
        failures=visit.attempt - 1,
    )


def _value(visit: Visit, answer: ChatAnswer, schema: Mapping[str, Any]) -> Any:
    if answer.finish_reason is FinishReason.REFUSAL:
        raise NodeFailed("MODEL_REFUSED", f"The model refused: {answer.text}")
    value, problems = value_of(answer.text, schema, visit.world.schemas)
    if problems:
        raise NodeFailed("OUTPUT_SCHEMA_VIOLATED", "; ".join(problems))
    return value
