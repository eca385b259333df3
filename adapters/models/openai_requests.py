"""What chat models are asked, as OpenAI's wire format has it, and where vendors differ."""

import json
import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final

from orbiter.adapters.models.pieces import told_arguments
from orbiter.adapters.models.schemas import subschemas
from orbiter.application.ports.models import (
    ChatMessage,
    ChatRequest,
    ChatRole,
    ToolCall,
    ToolOffer,
    ToolUse,
)
from orbiter.domain.providers import ProviderType

_COMPLETION_TOKENS: Final = frozenset({ProviderType.OPENAI, ProviderType.AZURE_OPENAI})
_MISTRAL_ID: Final = re.compile(r"[a-zA-Z0-9]{9}")
# What a schema that is followed to the letter may not have in it.
_NOT_STRICT: Final = frozenset(
    {
        "allOf",
        "dependentRequired",
        "dependentSchemas",
        "else",
        "if",
        "not",
        "oneOf",
        "patternProperties",
        "prefixItems",
        "propertyNames",
        "then",
        "unevaluatedProperties",
    }
)


def chat_body(
    provider_type: ProviderType, request: ChatRequest, *, streamed: bool
) -> dict[str, Any]:
    """Return the body of the request; what was not chosen is left to the vendor."""
    is_mistral = provider_type is ProviderType.MISTRAL
    body: dict[str, Any] = {
        "model": request.model,
        "messages": [_message(each, is_mistral) for each in request.messages],
    }
    limit = "max_completion_tokens" if provider_type in _COMPLETION_TOKENS else "max_tokens"
    chosen = {
        "temperature": request.temperature,
        "top_p": request.top_p,
        limit: request.max_tokens,
        "response_format": _response_format(request.output_schema),
    }
    body |= {name: value for name, value in chosen.items() if value is not None}
    if request.tools:
        body |= _tools(request)
    if streamed:
        body["stream"] = True
        # Mistral reports usage unasked, and refuses the question.
        if not is_mistral:
            body["stream_options"] = {"include_usage": True}
    return body


def _message(message: ChatMessage, is_mistral: bool) -> dict[str, Any]:
    made: dict[str, Any] = {"role": message.role.value, "content": message.content}
    if message.role is ChatRole.TOOL:
        made["tool_call_id"] = _call_id(message.tool_call_id or "", is_mistral)
    if message.tool_calls:
        made["content"] = message.content or None
        made["tool_calls"] = [_call(each, is_mistral) for each in message.tool_calls]
    return made


def _call(call: ToolCall, is_mistral: bool) -> dict[str, Any]:
    arguments = json.dumps(told_arguments(call), ensure_ascii=False)
    function = {"name": call.name, "arguments": arguments}
    return {"id": _call_id(call.id, is_mistral), "type": "function", "function": function}


def _call_id(call_id: str, is_mistral: bool) -> str:
    """Return the id, or for Mistral, which takes none but its own kind, one made of it."""
    if not is_mistral or _MISTRAL_ID.fullmatch(call_id):
        return call_id
    return sha256(call_id.encode()).hexdigest()[:9]


def _tools(request: ChatRequest) -> dict[str, Any]:
    made: dict[str, Any] = {"tools": [_tool(each) for each in request.tools]}
    if request.required_tool is not None:
        made["tool_choice"] = {"type": "function", "function": {"name": request.required_tool}}
    elif request.tool_use is not ToolUse.AUTO:
        made["tool_choice"] = request.tool_use.value
    if not request.parallel_tool_calls:
        # Said only when it matters: models that call one at a time refuse to hear of it.
        made["parallel_tool_calls"] = False
    return made


def _tool(tool: ToolOffer) -> dict[str, Any]:
    function = {
        "name": tool.name,
        "description": tool.description,
        "parameters": tool.parameters,
    }
    return {"type": "function", "function": function}


def _response_format(schema: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if schema is None:
        return None
    strict = schema.get("type") == "object" and "anyOf" not in schema and is_strict(schema)
    described = {"name": "answer", "schema": schema, "strict": strict}
    return {"type": "json_schema", "json_schema": described}


def is_strict(schema: Any) -> bool:
    """Say whether OpenAI could follow *schema* to the letter: all objects closed and complete."""
    if not isinstance(schema, Mapping):
        return False
    if not _NOT_STRICT.isdisjoint(schema) or not _is_closed(schema):
        return False
    return all(is_strict(each) for each in subschemas(schema))


def _is_closed(schema: Mapping[str, Any]) -> bool:
    kind = schema.get("type")
    if kind != "object" and not (isinstance(kind, list) and "object" in kind):
        return "properties" not in schema
    properties, required = schema.get("properties", {}), schema.get("required", [])
    if not isinstance(properties, Mapping) or not isinstance(required, list):
        return False
    return schema.get("additionalProperties") is False and set(properties) == {*map(str, required)}
