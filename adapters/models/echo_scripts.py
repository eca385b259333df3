"""Scripts that `echo:script` plays, as they are written in a message."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from orbiter.application.execution.texts import as_text, well_formed
from orbiter.application.ports.models import ModelError, ToolCall
from orbiter.domain.settings import Anything, ListOf, Number, Shape, Text

DELAY_MAX_MS: Final = 600_000
_TOKENS: Final = Number(0, 10**9, whole=True)
_CALL: Final = Shape(
    {"id": Text(), "name": Text(), "arguments": Anything()}, required=frozenset({"name"})
)
_SCRIPT: Final = ListOf(
    Shape(
        {
            "text": Anything(),
            "tool_calls": ListOf(_CALL),
            "usage": Shape({"input_tokens": _TOKENS, "output_tokens": _TOKENS}),
            "delay_ms": Number(0, DELAY_MAX_MS),
            "error": Shape({"status": Number(400, 599, whole=True), "message": Text()}),
        }
    )
)
_TOLD_MAX: Final = 5

Entry = Mapping[str, Any]


def script_of(text: str) -> Sequence[Entry] | None:
    """Return the entries of the script that *text* is, None if it is none; they lack nulls.

    Raise ModelError for one that can't be played.
    """
    try:
        script = json.loads(text)["script"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return None
    wrong = [f"{each.field}: {each.message}" for each in _SCRIPT.problems("script", script)]
    if wrong:
        raise ModelError("MODEL_REQUEST_REFUSED", "; ".join(wrong[:_TOLD_MAX]))
    return [_given(entry) for entry in script]


def calls_of(entry: Entry, place: int) -> tuple[ToolCall, ...]:
    """Return the calls an entry makes; those without an id are named after *place*.

    Arguments that are a text are taken as a model's own, be they JSON or not.
    """
    return tuple(
        _call(_given(call), f"call_{place}_{number}")
        for number, call in enumerate(entry.get("tool_calls", ()))
    )


def _call(call: Entry, id: str) -> ToolCall:
    text = told(call.get("arguments", {}))
    try:
        value = msgspec.json.decode(text)
    except (ValueError, RecursionError):
        value = None
    return ToolCall(
        id=well_formed(call.get("id", id)),
        name=well_formed(call["name"]),
        arguments=value if isinstance(value, Mapping) else None,
        text=text,
    )


def told(value: Any) -> str:
    """Return a value of a script as a text that can be passed on."""
    return well_formed(as_text(value))


def _given(entry: Entry) -> Entry:
    return {name: value for name, value in entry.items() if value is not None}
