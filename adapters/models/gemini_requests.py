"""What chat models are asked, as Gemini's wire format has it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from orbiter.adapters.models.pieces import told_arguments
from orbiter.adapters.models.schemas import told
from orbiter.application.ports.models import (
    ChatMessage,
    ChatRequest,
    ChatRole,
    ToolCall,
    ToolOffer,
    ToolUse,
)

_MODES: Final = {ToolUse.AUTO: "AUTO", ToolUse.NONE: "NONE", ToolUse.REQUIRED: "ANY"}
# Models from the third generation on refuse calls without a signature, but for this one: the
# vendor's own word for calls that another model made.
_UNSIGNED: Final = "skip_thought_signature_validator"
_ASK_NO_SIGNATURE: Final = re.compile(r"(models/)?gemini-[12]\b")


def chat_body(request: ChatRequest) -> dict[str, Any]:
    """Return the body of the request; what was not chosen is left to the vendor."""
    body: dict[str, Any] = {"contents": list(_contents(request))}
    systems = [each.content for each in request.messages if each.role is ChatRole.SYSTEM]
    # Not every model that can be held to a schema can be while it may call tools.
    if request.output_schema is not None and request.tools:
        systems.append(told(request.output_schema))
    if system := "\n\n".join(filter(str.strip, systems)):
        body["systemInstruction"] = {"parts": [{"text": system}]}
    if request.tools:
        body["tools"] = [{"functionDeclarations": [_declared(each) for each in request.tools]}]
        body["toolConfig"] = {"functionCallingConfig": _calling(request)}
    if chosen := _chosen(request):
        body["generationConfig"] = chosen
    return body


def embedding_body(model: str, texts: Sequence[str]) -> dict[str, Any]:
    """Return the body of a request for the embeddings of *texts*; *model* is its full name."""
    return {
        "requests": [{"model": model, "content": {"parts": [{"text": text}]}} for text in texts]
    }


def kept_of(model: str, signature: str | None) -> str:
    """Return what is kept of a call; only the model that signed it can read the signature."""
    return f"gemini:{model}:{signature}" if signature else ""


def _signature(call: ToolCall, model: str) -> str:
    whose, _, signature = call.kept.rpartition(":")
    return signature if whose == f"gemini:{model}" else ""


def _chosen(request: ChatRequest) -> dict[str, Any]:
    chosen: dict[str, Any] = {
        "temperature": request.temperature,
        "topP": request.top_p,
        "maxOutputTokens": request.max_tokens,
    }
    if request.output_schema is not None and not request.tools:
        chosen["responseMimeType"] = "application/json"
        chosen["responseJsonSchema"] = request.output_schema
    return {name: value for name, value in chosen.items() if value is not None}


def _declared(tool: ToolOffer) -> dict[str, Any]:
    return {
        "name": tool.name,
        "description": tool.description,
        "parametersJsonSchema": tool.parameters,
    }


def _calling(request: ChatRequest) -> dict[str, Any]:
    if request.required_tool is not None:
        return {"mode": "ANY", "allowedFunctionNames": [request.required_tool]}
    return {"mode": _MODES[request.tool_use]}


def _contents(request: ChatRequest) -> Iterator[dict[str, Any]]:
    """Yield the turns; the results of calls that were made together are one turn."""
    names: dict[str, str] = {}
    results: list[dict[str, Any]] = []
    for message in request.messages:
        if message.role is ChatRole.TOOL:
            results.append(_result(message, names))
            continue
        if results:
            yield {"role": "user", "parts": results}
            results = []
        names |= {call.id: call.name for call in message.tool_calls}
        yield from _turn(message, request.model)
    if results:
        yield {"role": "user", "parts": results}


def _turn(message: ChatMessage, model: str) -> Iterator[dict[str, Any]]:
    if message.role is ChatRole.USER:
        yield {"role": "user", "parts": [{"text": message.content}]}
    elif message.role is ChatRole.ASSISTANT:
        parts = [{"text": message.content}] if message.content else []
        parts += _calls(message.tool_calls, model)
        if parts:
            yield {"role": "model", "parts": parts}


def _calls(calls: Sequence[ToolCall], model: str) -> Iterator[dict[str, Any]]:
    for place, call in enumerate(calls):
        part: dict[str, Any] = {
            "functionCall": {"id": call.id, "name": call.name, "args": told_arguments(call)}
        }
        if signature := _signature(call, model):
            part["thoughtSignature"] = signature
        elif place == 0 and not _ASK_NO_SIGNATURE.match(model):
            part["thoughtSignature"] = _UNSIGNED
        yield part


def _result(message: ChatMessage, names: Mapping[str, str]) -> dict[str, Any]:
    call_id = message.tool_call_id or ""
    answered = {"name": names.get(call_id, call_id), "response": {"output": message.content}}
    return {"functionResponse": {"id": call_id} | answered}
