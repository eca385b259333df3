"""What chat models are asked, as Anthropic's wire format has it."""

import json
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any, Final

import msgspec
from anthropic import transform_schema

from orbiter.adapters.models.pieces import told_arguments
from orbiter.adapters.models.schemas import subschemas, told
from orbiter.application.ports.models import (
    ChatMessage,
    ChatRequest,
    ChatRole,
    ToolCall,
    ToolOffer,
    ToolUse,
)

# The vendor wants a limit. Thoughts count too, and every model on offer can do as much.
MAX_TOKENS: Final = 8192
TEMPERATURE_MAX: Final = 1.0
_SHAPES: Final = ("type", "anyOf", "oneOf", "enum", "const", "$ref")
_CHOICES: Final = {ToolUse.AUTO: "auto", ToolUse.NONE: "none", ToolUse.REQUIRED: "any"}
# What the vendor can't hold a model to, and what a hint in words would not make up for.
_NOT_SAID: Final = frozenset(
    {
        "allOf",
        "contains",
        "definitions",
        "dependentRequired",
        "dependentSchemas",
        "if",
        "not",
        "patternProperties",
        "prefixItems",
        "propertyNames",
        "unevaluatedProperties",
    }
)


class Kept(msgspec.Struct):
    """An assistant's blocks as they came, thoughts among them; those of its calls are left out.

    The vendor refuses thoughts that come back under other instructions or tools than they were
    thought under; *mark* tells these.
    """

    mark: str
    blocks: list[dict[str, Any]]


def chat_body(request: ChatRequest, *, streamed: bool) -> dict[str, Any]:
    """Return the body of the request; what was not chosen is left to the vendor."""
    body: dict[str, Any] = {"model": request.model, "max_tokens": request.max_tokens or MAX_TOKENS}
    body |= _sampling(request)
    systems = [each.content for each in request.messages if each.role is ChatRole.SYSTEM]
    if request.output_schema is not None:
        if (schema := _said_schema(request.output_schema)) is not None:
            body["output_config"] = {"format": {"type": "json_schema", "schema": schema}}
        else:
            systems.append(told(request.output_schema))
    if system := "\n\n".join(filter(str.strip, systems)):
        body["system"] = system
    if request.tools:
        body["tools"] = [_tool(each) for each in request.tools]
        body["tool_choice"] = _choice(request)
    body["messages"] = _messages(request.messages, mark_of(body))
    if streamed:
        body["stream"] = True
    return body


def is_sampled(body: Mapping[str, Any]) -> bool:
    """Say whether the body has what the vendor's newest version does not know any more."""
    return "temperature" in body or "top_p" in body


def mark_of(body: Mapping[str, Any]) -> str:
    """Return what tells the instructions and tools of a request from others."""
    text = json.dumps([body["model"], body.get("system"), body.get("tools")])
    return sha256(text.encode()).hexdigest()[:16]


def _sampling(request: ChatRequest) -> dict[str, float]:
    """Return one of the two: the vendor refuses both at once."""
    if request.temperature is not None:
        return {"temperature": min(request.temperature, TEMPERATURE_MAX)}
    return {} if request.top_p is None else {"top_p": request.top_p}


def _tool(tool: ToolOffer) -> dict[str, Any]:
    return {
        "name": tool.name,
        "description": tool.description,
        "input_schema": tool.parameters,
    }


def _choice(request: ChatRequest) -> dict[str, Any]:
    if request.required_tool is not None:
        choice: dict[str, Any] = {"type": "tool", "name": request.required_tool}
    else:
        choice = {"type": _CHOICES[request.tool_use]}
    if not request.parallel_tool_calls and choice["type"] != "none":
        choice["disable_parallel_tool_use"] = True
    return choice


def _messages(messages: Sequence[ChatMessage], mark: str) -> list[dict[str, Any]]:
    """Return the turns: what one side says in a row is one message, the results of calls too."""
    made: list[dict[str, Any]] = []
    for message in messages:
        if message.role is ChatRole.SYSTEM:
            continue
        role = "assistant" if message.role is ChatRole.ASSISTANT else "user"
        if not (blocks := _blocks(message, mark)):
            continue
        if made and made[-1]["role"] == role:
            made[-1]["content"] += blocks
        else:
            made.append({"role": role, "content": blocks})
    return made


def _blocks(message: ChatMessage, mark: str) -> list[dict[str, Any]]:
    if message.role is ChatRole.TOOL:
        result = {"type": "tool_result", "tool_use_id": message.tool_call_id or ""}
        return [result | ({"content": message.content} if message.content.strip() else {})]
    if (kept := _kept(message, mark)) is not None:
        return kept
    # The vendor refuses texts of nothing but blanks.
    said = [{"type": "text", "text": message.content}] if message.content.strip() else []
    return [*said, *map(_use, message.tool_calls)]


def _kept(message: ChatMessage, mark: str) -> list[dict[str, Any]] | None:
    """Return the message as it came, if it was kept and is still the same."""
    if not message.tool_calls or not message.tool_calls[0].kept:
        return None
    try:
        kept = msgspec.json.decode(message.tool_calls[0].kept, type=Kept)
    except ValueError:
        return None
    texts = [each.get("text", "") for each in kept.blocks if each.get("type") == "text"]
    places = [each for each in kept.blocks if each.get("type") == "tool_use"]
    is_same = "".join(texts) == message.content and len(places) == len(message.tool_calls)
    if kept.mark != mark or not is_same:
        return None
    return list(_filled(kept.blocks, iter(message.tool_calls)))


def _filled(
    blocks: Sequence[dict[str, Any]], calls: Iterator[ToolCall]
) -> Iterator[dict[str, Any]]:
    for block in blocks:
        yield _use(next(calls)) if block.get("type") == "tool_use" else block


def _use(call: ToolCall) -> dict[str, Any]:
    return {"type": "tool_use", "id": call.id, "name": call.name, "input": told_arguments(call)}


def _said_schema(schema: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the schema in the vendor's words, None if they are not enough for it."""
    named = {name: value for name, value in schema.items() if name not in ("$schema", "$id")}
    try:
        return transform_schema(named) if is_sayable(named) else None
    except ValueError:
        return None


def is_sayable(schema: Any) -> bool:
    """Say whether the vendor's closed objects and plain types can follow *schema*.

    Whatever answers them follows it too, but for bounds, which become hints.
    """
    if not isinstance(schema, Mapping) or not _NOT_SAID.isdisjoint(schema):
        return False
    shapes = [name for name in _SHAPES if name in schema and name not in ("enum", "const")]
    if len(shapes) > 1 or not any(name in schema for name in _SHAPES):
        return False
    if not isinstance(schema.get("type", ""), str):
        return False
    if schema.get("type") == "object" and not schema.get("properties"):
        return False
    if "$ref" in schema and not str(schema["$ref"]).startswith("#/$defs/"):
        return False
    return all(is_sayable(each) for each in subschemas(schema))
