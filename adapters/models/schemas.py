"""JSON Schemas as vendors take them."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

_NAMED: Final = ("$defs", "definitions", "properties")
_CHOICES: Final = ("allOf", "anyOf", "oneOf")


def subschemas(schema: Mapping[str, Any]) -> Iterator[Any]:
    """Yield the schemas right inside *schema*, and what should be one and is none."""
    if "items" in schema:
        yield schema["items"]
    for name in _CHOICES:
        choices = schema.get(name, [])
        yield from choices if isinstance(choices, list) else [choices]
    for name in _NAMED:
        named = schema.get(name, {})
        yield from named.values() if isinstance(named, Mapping) else [named]


def told(schema: Mapping[str, Any]) -> str:
    """Return the instruction to answer by *schema*, where a vendor can't be held to it."""
    text = json.dumps(schema, ensure_ascii=False)
    return f"Answer with nothing but JSON that follows this JSON Schema:\n{text}"
