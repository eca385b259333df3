"""A fake vendor that speaks Gemini's wire format, as scripted."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from support.outbound import Heard, Talk
from support.vendors.serving import Event, send_stream, whole

_STATUSES = {400: "INVALID_ARGUMENT", 404: "NOT_FOUND", 429: "RESOURCE_EXHAUSTED"}


def piece(*parts: Mapping[str, Any], finish: str | None = None, **more: Any) -> dict[str, Any]:
    """Return an answer of these parts, or a piece of one."""
    candidate: dict[str, Any] = {"index": 0}
    if parts:
        candidate["content"] = {"role": "model", "parts": list(parts)}
    if finish:
        candidate["finishReason"] = finish
    return {"candidates": [candidate], "modelVersion": "gemini-said", "responseId": "1"} | more


def call(name: str, arguments: Any, **more: Any) -> dict[str, Any]:
    """Return a part that calls a function."""
    return {"functionCall": {"name": name, "args": arguments}} | more


def used(tokens_in: int, tokens_out: int, **more: Any) -> dict[str, Any]:
    """Return what a call used."""
    return {
        "promptTokenCount": tokens_in,
        "candidatesTokenCount": tokens_out,
        "totalTokenCount": tokens_in + tokens_out,
    } | more


def _calls(calls: Sequence[tuple[str, Any]]) -> list[dict[str, Any]]:
    return [
        {"functionCall": {"id": f"call_{at}", "name": name, "args": arguments}}
        for at, (name, arguments) in enumerate(calls)
    ]


def completion(
    text: str = "ok",
    calls: Sequence[tuple[str, Any]] = (),
    *,
    usage: tuple[int, int] = (11, 7),
    finish: str = "STOP",
) -> dict[str, Any]:
    """Return a whole answer; *calls* are names and arguments."""
    parts = [{"text": text}] if text else []
    return piece(*parts, *_calls(calls), finish=finish, usageMetadata=used(*usage))


def pieces(
    text: str = "ok",
    calls: Sequence[tuple[str, Any]] = (),
    *,
    usage: tuple[int, int] = (11, 7),
    finish: str = "STOP",
) -> Iterator[Event]:
    """Return the events of an answer: word by word, and each call on its own."""
    for at, word in enumerate(text.split(" ") if text else ()):
        yield piece({"text": f" {word}" if at else word}, usageMetadata=used(usage[0], at))
    for part in _calls(calls):
        yield piece(part)
    yield piece({"text": ""}, finish=finish, usageMetadata=used(*usage))


def answering(text: str = "ok", calls: Sequence[tuple[str, Any]] = (), **options: Any) -> Talk:
    """Answer chats with this, streamed or not as they ask for."""

    async def talk(heard: Heard, writer: asyncio.StreamWriter) -> None:
        if heard.target.endswith(":streamGenerateContent?alt=sse"):
            await send_stream(writer, pieces(text, calls, **options))
        else:
            await whole(completion(text, calls, **options))(heard, writer)

    return talk


def error(
    status: int, text: str = "the vendor says no", *details: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what an error looks like, with a status of its own or amid a stream."""
    name = _STATUSES.get(status, "INTERNAL")
    told: dict[str, Any] = {"code": status, "message": text, "status": name}
    return {"error": told | ({"details": list(details)} if details else {})}


def failing(
    status: int,
    text: str = "the vendor says no",
    *details: Mapping[str, Any],
    headers: Mapping[str, str] | None = None,
) -> Talk:
    """Answer with an error."""
    return whole(error(status, text, *details), status=status, headers=headers)


def offering(*names: str) -> Talk:
    """Answer with the models on offer."""
    uses = ["generateContent", "countTokens"]
    rows = [{"name": f"models/{name}", "supportedGenerationMethods": uses} for name in names]
    return whole({"models": rows})


def embedding(*vectors: Sequence[float]) -> Talk:
    """Answer with embeddings."""
    return whole({"embeddings": [{"values": vector} for vector in vectors]})
