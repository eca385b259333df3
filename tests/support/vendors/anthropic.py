"""A fake vendor that speaks Anthropic's wire format, as scripted."""

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from support.outbound import Heard, Talk
from support.vendors.serving import asked, send_stream, whole

_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    529: "overloaded_error",
}


def message(
    *content: Mapping[str, Any], usage: Any = None, stop: str | None = None, **more: Any
) -> dict[str, Any]:
    """Return a whole answer of these blocks."""
    calls = any(block["type"] == "tool_use" for block in content)
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-said",
        "content": list(content),
        "stop_reason": stop or ("tool_use" if calls else "end_turn"),
        "stop_sequence": None,
        "usage": usage or used(11, 7),
    } | more


def text_block(text: str) -> dict[str, Any]:
    """Return a block of text."""
    return {"type": "text", "text": text, "citations": None}


def use(at: int, name: str, arguments: Any) -> dict[str, Any]:
    """Return a call."""
    return {"type": "tool_use", "id": f"call_{at}", "name": name, "input": arguments}


def used(tokens_in: int, tokens_out: int, **more: Any) -> dict[str, Any]:
    """Return what a call used."""
    counts = {"input_tokens": tokens_in, "output_tokens": tokens_out}
    return counts | {"cache_creation_input_tokens": 0, "cache_read_input_tokens": 0} | more


def completion(
    text: str = "ok",
    calls: Sequence[tuple[str, Any]] = (),
    *,
    usage: tuple[int, int] = (11, 7),
    finish: str | None = None,
) -> dict[str, Any]:
    """Return a whole answer; *calls* are names and arguments."""
    blocks = [text_block(text)] if text else []
    blocks += [use(at, *call) for at, call in enumerate(calls)]
    return message(*blocks, usage=used(*usage), stop=finish)


def event(kind: str, **said: Any) -> bytes:
    """Return an event of a stream."""
    return f"event: {kind}\ndata: {json.dumps({'type': kind} | said)}\n\n".encode()


def delta(index: int, kind: str, **said: Any) -> bytes:
    """Return what comes next of a block."""
    return event("content_block_delta", index=index, delta={"type": kind} | said)


def start(index: int, block: Mapping[str, Any]) -> bytes:
    """Return the beginning of a block."""
    return event("content_block_start", index=index, content_block=block)


def begun(usage: Any = None) -> bytes:
    """Return the beginning of a stream."""
    counts = usage or used(11, 1)
    return event("message_start", message=message(usage=counts) | {"stop_reason": None})


def ended(stop: str = "end_turn", usage: Any = None, **details: Any) -> bytes:
    """Return the end of a stream."""
    reason = {"stop_reason": stop, "stop_sequence": None} | details
    counts = usage or {"output_tokens": 7}
    return event("message_delta", delta=reason, usage=counts) + event("message_stop")


def saying(*words: str) -> bytes:
    """Return a stream's beginning, and a block that says this."""
    said = b"".join(delta(0, "text_delta", text=word) for word in words)
    return begun() + start(0, text_block("")) + said


def pieces(
    text: str = "ok",
    calls: Sequence[tuple[str, Any]] = (),
    *,
    usage: tuple[int, int] = (11, 7),
    finish: str | None = None,
) -> Iterator[bytes]:
    """Return the events of an answer: word by word, and each call's arguments in halves."""
    yield begun(used(usage[0], 1))
    index = 0
    if text:
        yield start(0, text_block(""))
        yield event("ping")
        for at, word in enumerate(text.split(" ")):
            yield delta(0, "text_delta", text=f" {word}" if at else word)
        yield event("content_block_stop", index=0)
        index = 1
    for at, (name, arguments) in enumerate(calls):
        rest = arguments if isinstance(arguments, str) else json.dumps(arguments)
        yield start(index + at, use(at, name, {}))
        for half in (rest[: len(rest) // 2], rest[len(rest) // 2 :]):
            yield delta(index + at, "input_json_delta", partial_json=half)
        yield event("content_block_stop", index=index + at)
    stop = finish or ("tool_use" if calls else "end_turn")
    yield ended(stop, {"output_tokens": usage[1]})


def answering(text: str = "ok", calls: Sequence[tuple[str, Any]] = (), **options: Any) -> Talk:
    """Answer chats with this, streamed or not as they ask for."""

    async def talk(heard: Heard, writer: asyncio.StreamWriter) -> None:
        if asked(heard).get("stream"):
            await send_stream(writer, pieces(text, calls, **options))
        else:
            await whole(completion(text, calls, **options))(heard, writer)

    return talk


def error(status: int, text: str = "the vendor says no") -> dict[str, Any]:
    """Return what an error looks like, with a status of its own or amid a stream."""
    kind = _TYPES.get(status, "api_error")
    return {"type": "error", "error": {"type": kind, "message": text}, "request_id": "req_1"}


def failing(
    status: int, text: str = "the vendor says no", *, headers: Mapping[str, str] | None = None
) -> Talk:
    """Answer with an error."""
    return whole(error(status, text), status=status, headers=headers)


def offering(*names: str) -> Talk:
    """Answer with the models on offer."""
    rows = [{"type": "model", "id": name, "lifecycle": "active"} for name in names]
    return whole({"data": rows, "has_more": False, "first_id": None, "last_id": None})
