"""A fake vendor that speaks OpenAI's wire format, as scripted."""

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from support.outbound import Heard, Talk
from support.vendors.serving import Event, asked, send_stream, whole

DONE = "[DONE]"


def completion(
    text: str | None = "ok",
    calls: Sequence[tuple[str, Any]] = (),
    *,
    usage: tuple[int, int] | None = (11, 7),
    finish: str | None = None,
    **message: Any,
) -> dict[str, Any]:
    """Return a whole answer; *calls* are names and arguments, *message* adds to the message."""
    said: dict[str, Any] = {"role": "assistant", "content": text} | message
    if calls:
        said["tool_calls"] = [
            {"id": f"call_{at}", "type": "function", "function": function(*call)}
            for at, call in enumerate(calls)
        ]
    reason = finish or ("tool_calls" if calls else "stop")
    made = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "gpt-said",
        "choices": [{"index": 0, "message": said, "finish_reason": reason}],
    }
    return made | ({"usage": used(*usage)} if usage else {})


def function(name: str, arguments: Any) -> dict[str, Any]:
    """Return a function's name and its arguments as text."""
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    return {"name": name, "arguments": text}


def used(tokens_in: int, tokens_out: int, **more: Any) -> dict[str, Any]:
    """Return what a call used."""
    total = tokens_in + tokens_out
    counts = {"prompt_tokens": tokens_in, "completion_tokens": tokens_out, "total_tokens": total}
    return counts | more


def delta(finish: str | None = None, **said: Any) -> dict[str, Any]:
    """Return a piece of a stream."""
    choice = {"index": 0, "delta": said, "finish_reason": finish}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "gpt-said",
        "choices": [choice],
    }


def pieces(
    text: str = "ok",
    calls: Sequence[tuple[str, Any]] = (),
    *,
    usage: tuple[int, int] | None = (11, 7),
    finish: str | None = None,
) -> Iterator[Event]:
    """Return the events of an answer: word by word, and each call's arguments in halves."""
    yield delta(role="assistant", content="")
    for at, word in enumerate(text.split(" ") if text else ()):
        yield delta(content=f" {word}" if at else word)
    for at, (name, arguments) in enumerate(calls):
        first = function(name, arguments)
        rest = first["arguments"]
        half = len(rest) // 2
        begun = first | {"arguments": rest[:half]}
        yield delta(tool_calls=[{"index": at, "id": f"call_{at}", "function": begun}])
        yield delta(tool_calls=[{"index": at, "function": {"arguments": rest[half:]}}])
    yield delta(finish=finish or ("tool_calls" if calls else "stop"))
    if usage:
        yield {"choices": [], "model": "gpt-said", "usage": used(*usage)}
    yield DONE


def answering(text: str = "ok", calls: Sequence[tuple[str, Any]] = (), **options: Any) -> Talk:
    """Answer chats with this, streamed or not as they ask for."""

    async def talk(heard: Heard, writer: asyncio.StreamWriter) -> None:
        if asked(heard).get("stream"):
            await send_stream(writer, pieces(text, calls, **options))
        else:
            await whole(completion(text, calls, **options))(heard, writer)

    return talk


def failing(
    status: int,
    message: str = "the vendor says no",
    *,
    code: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Talk:
    """Answer with an error."""
    error = {"message": message, "type": "fake", "param": None, "code": code}
    return whole({"error": error}, status=status, headers=headers)


def offering(*names: str) -> Talk:
    """Answer with the models on offer."""
    return whole({"object": "list", "data": [{"id": name, "object": "model"} for name in names]})


def embedding(*vectors: Sequence[float]) -> Talk:
    """Answer with embeddings, the last one first."""
    rows = [{"index": at, "embedding": vector} for at, vector in enumerate(vectors)]
    return whole({"data": rows[::-1], "usage": {"prompt_tokens": 5, "total_tokens": 5}})
