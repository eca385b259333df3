"""What arrives in pieces: text, and the arguments of tool calls; or all at once after all."""

import codecs
from collections.abc import Iterable, Mapping
from typing import Any, Final
from uuid import uuid4

import httpx2
import msgspec

from orbiter.application.ports.models import OnText, ToolCall

_JSON: Final = "application/json"


class Speech:
    """Text told on as it arrives. Half a surrogate pair waits for the other half."""

    def __init__(self, on_text: OnText | None) -> None:
        self._on_text = on_text
        self._pieces: list[str] = []
        self._decoder = codecs.getincrementaldecoder("utf-16-le")("replace")

    @property
    def is_silent(self) -> bool:
        """Whether nothing was said yet."""
        return not self._pieces

    def say(self, piece: str) -> None:
        """Take the next piece."""
        self._tell(self._decoder.decode(piece.encode("utf-16-le", "surrogatepass")))

    def ended(self) -> str:
        """Return the whole text; nothing is said any more."""
        self._tell(self._decoder.decode(b"", final=True))
        return "".join(self._pieces)

    def _tell(self, text: str) -> None:
        if not text:
            return
        self._pieces.append(text)
        if self._on_text is not None:
            self._on_text(text)


async def unstreamed(answer: httpx2.Response) -> bytes | None:
    """Return the body of an answer that was to be a stream and is one piece of JSON, else None.

    There are servers that do not stream, and do not say so.
    """
    if not answer.headers.get("content-type", "").startswith(_JSON):
        return None
    # Kept by the response: what is a stream after all, by another name, can still be read as one.
    body = await answer.aread()
    return body if body.lstrip().startswith((b"{", b"[")) else None


class CallPieces:
    """A tool call that is put together; some vendors give it no id."""

    def __init__(self, call_id: str | None, name: str | None = None) -> None:
        self.id = call_id
        self.name = name or ""
        self.kept = ""
        self._texts: list[str] = []

    def add(self, arguments: str | Mapping[str, Any] | None) -> None:
        """Take the next piece of the arguments' text, or all of them."""
        if isinstance(arguments, Mapping):
            arguments = msgspec.json.encode(arguments).decode()
        self._texts.append(arguments or "")

    def call(self, call_id: str | None) -> ToolCall:
        """Return the whole under this id."""
        return tool_call(call_id, self.name, "".join(self._texts), self.kept)


def tool_calls(pieces: Iterable[CallPieces]) -> tuple[ToolCall, ...]:
    """Return the calls, each with an id of its own."""
    calls: dict[str, ToolCall] = {}
    for each in pieces:
        call = each.call(None if each.id in calls else each.id)
        calls[call.id] = call
    return tuple(calls.values())


def tool_call(call_id: str | None, name: str, text: str, kept: str = "") -> ToolCall:
    """Return a call whose arguments are the object in *text*; it gets an id if it has none."""
    return ToolCall(
        id=call_id or f"call_{uuid4().hex[:24]}",
        name=_sound(name),
        arguments=_object(text),
        text=_sound(text),
        kept=kept,
    )


def told_arguments(call: ToolCall) -> Mapping[str, Any]:
    """Return a call's arguments as its model is reminded of them: always an object.

    Vendors refuse a conversation in which a model wrote arguments that are none.
    """
    return {"unreadable": call.text} if call.arguments is None else call.arguments


def _object(text: str) -> Mapping[str, Any] | None:
    # Tools without parameters are often called with nothing at all.
    try:
        value = msgspec.json.decode(text.strip() or "{}")
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _sound(text: str) -> str:
    return text.encode(errors="replace").decode()
