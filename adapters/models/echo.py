"""`echo`: models that need no vendor, for trying, showing and testing flows.

`echo` answers with the last user message; `script` plays the script given in a message. Both are
deterministic: what a script plays next follows from the messages alone.
"""

import asyncio
import re
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any, Final

from orbiter.adapters.models.echo_scripts import Entry, calls_of, script_of, told
from orbiter.application.ports.models import (
    ChatAnswer,
    ChatRequest,
    ChatRole,
    Embeddings,
    Endpoint,
    FinishReason,
    ModelError,
    OnText,
    ToolCall,
)
from orbiter.domain.runs import Usage

MODELS: Final = ("echo", "script")
DIMENSIONS: Final = 64
_BYTES_PER_TOKEN: Final = 4
_NOTHING: Final[Mapping[str, int | None]] = {}
_RESULT: Final = re.compile(r"\{\{\s*tool_result\s*\}\}")
_PIECE: Final = 16


class EchoModels:
    """The models `echo` and `script`; tokens that a script leaves open are a quarter of bytes."""

    async def chat(
        self, endpoint: Endpoint, request: ChatRequest, on_text: OnText | None = None
    ) -> ChatAnswer:
        """Return the answer; raise ModelError where the script says so, or for another model."""
        if request.model not in MODELS:
            message = f"echo has the models echo and script, not {request.model!r}"
            raise ModelError("MODEL_NOT_FOUND", message)
        entry = _entry(request) if request.model == "script" else None
        if entry is None:
            return _answer(request, _last(request, ChatRole.USER), on_text=on_text)
        await asyncio.sleep(entry.get("delay_ms", 0) / 1000)
        if "error" in entry:
            raise _failure(entry["error"])
        return _played(request, entry, on_text)

    async def embed(self, endpoint: Endpoint, model: str, texts: Sequence[str]) -> Embeddings:
        """Return vectors in which texts that share words lie near to each other."""
        tokens = sum(_tokens(text) for text in texts)
        return Embeddings(
            vectors=[_vector(text) for text in texts], usage=Usage(input_tokens=tokens)
        )

    async def models(self, endpoint: Endpoint) -> Sequence[str]:
        """Return both."""
        return MODELS


def _entry(request: ChatRequest) -> Entry | None:
    """Return what the script in the messages plays now, None when it is over or there is none."""
    for at in range(len(request.messages) - 1, request.earlier - 1, -1):
        message = request.messages[at]
        if message.role is ChatRole.USER and (script := script_of(message.content)) is not None:
            answered = sum(each.role is ChatRole.ASSISTANT for each in request.messages[at:])
            return _at(script, answered, request.failures)
    return None


def _at(script: Sequence[Entry], answered: int, failures: int) -> Entry | None:
    """Return the entry after *answered* ones that gave an answer, and *failures* more.

    A call that fails with the last entry fails as often as it is tried.
    """
    at = 0
    while answered and at < len(script):
        answered -= "error" not in script[at]
        at += 1
    if at + failures < len(script):
        return script[at + failures]
    return script[-1] if at < len(script) and "error" in script[-1] else None


def _played(request: ChatRequest, entry: Entry, on_text: OnText | None) -> ChatAnswer:
    text = told(entry.get("text", ""))
    text = _RESULT.sub(lambda _: _last(request, ChatRole.TOOL), text)
    calls = calls_of(entry, len(request.messages))
    return _answer(request, text, calls, entry.get("usage", {}), on_text=on_text)


def _answer(
    request: ChatRequest,
    text: str,
    calls: tuple[ToolCall, ...] = (),
    usage: Mapping[str, int | None] = _NOTHING,
    *,
    on_text: OnText | None,
) -> ChatAnswer:
    if on_text is not None:
        for at in range(0, len(text), _PIECE):
            on_text(text[at : at + _PIECE])
    asked = sum(_tokens(message.content) for message in request.messages)
    return ChatAnswer(
        text=text,
        tool_calls=calls,
        finish_reason=FinishReason.TOOL_CALLS if calls else FinishReason.STOP,
        usage=Usage(
            input_tokens=_or(usage.get("input_tokens"), asked),
            output_tokens=_or(usage.get("output_tokens"), _tokens(text)),
        ),
        model=request.model,
    )


def _last(request: ChatRequest, role: ChatRole) -> str:
    return next((each.content for each in reversed(request.messages) if each.role is role), "")


def _or(number: int | None, otherwise: int) -> int:
    return otherwise if number is None else number


def _failure(error: Mapping[str, Any]) -> ModelError:
    status = _or(error.get("status"), 500)
    message = told(error.get("message") or f"The script fails with status {status}")
    if status in (401, 403):
        return ModelError("MODEL_KEY_REFUSED", message, elsewhere=True)
    if status == 404:
        return ModelError("MODEL_NOT_FOUND", message)
    if status == 429:
        return ModelError("MODEL_RATE_LIMITED", message, passing=True, elsewhere=True)
    if status >= 500:
        return ModelError("MODEL_UNAVAILABLE", message, passing=True, elsewhere=True)
    return ModelError("MODEL_REQUEST_REFUSED", message)


def _tokens(text: str) -> int:
    return -(-len(text.encode(errors="surrogatepass")) // _BYTES_PER_TOKEN)


def _vector(text: str) -> Sequence[float]:
    counts = [0.0] * DIMENSIONS
    for word in text.lower().split():
        counts[sha256(word.encode(errors="surrogatepass")).digest()[0] % DIMENSIONS] += 1.0
    length = sum(count * count for count in counts) ** 0.5
    return [count / length for count in counts] if length else counts
