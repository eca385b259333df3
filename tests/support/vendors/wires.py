"""What can be claimed of every vendor, whatever its wire format."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from orbiter.application.ports.models import Endpoint
from orbiter.domain.providers import ProviderType
from support.outbound import Server, Talk
from support.vendors import anthropic, gemini, openai
from support.vendors.serving import Event, event

KEY = "sk-test-0123456789abcdef"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """How a fake vendor of one wire format is made to say things.

    *word* begins a stream that says "so ", *idle* is an event that says nothing, *wrong* are bodies
    that no answer has; *error* makes one that comes amid an answer, of a status and a text.
    """

    provider_type: ProviderType
    base: str
    path: str
    model: str
    word: bytes
    idle: bytes
    pieces: Callable[..., Iterator[Event]]
    completion: Callable[..., Any]
    answering: Callable[..., Talk]
    failing: Callable[..., Talk]
    offering: Callable[..., Talk]
    error: Callable[[int, str], Event]
    wrong: Sequence[bytes]

    def at(self, server: Server, timeout_seconds: float = 5, host: str = "127.0.0.1") -> Endpoint:
        """Return the endpoint of a vendor that listens there."""
        return Endpoint(
            provider_type=self.provider_type,
            base_url=server.url(self.base, host),
            api_key=KEY,
            timeout_seconds=timeout_seconds,
        )


_NO_ANSWER = (b"", b"not json", b"\xff\xfe\x00", b"[" * 100_000, b"null", b'"text"', b"[]", b"{}")
_OPENAI_ERRORS = {429: "rate_limit_exceeded", 400: "invalid_request_error"}

OPENAI = Wire(
    provider_type=ProviderType.OPENAI_COMPATIBLE,
    base="/v1",
    path="/v1/chat/completions",
    model="gpt-said",
    word=event(openai.delta(content="so ")),
    idle=b'data: {"choices": []}\n\n',
    pieces=openai.pieces,
    completion=openai.completion,
    answering=openai.answering,
    failing=openai.failing,
    offering=openai.offering,
    error=lambda status, text: {
        "error": {"message": text, "code": _OPENAI_ERRORS.get(status, status)}
    },
    wrong=(
        *_NO_ANSWER,
        b'{"choices": null}',
        b'{"choices": "abc"}',
        b'{"choices": [null]}',
        b'{"choices": [{"message": 5}]}',
        b'{"choices": [{"message": {"content": {"a": 1}}}]}',
        b'{"choices": [{"message": {"tool_calls": {}}}]}',
        b'{"choices": [{"message": {"tool_calls": [{"function": {"name": 1}}]}}]}',
        b'{"choices": [{"message": {"content": "ok"}}], "usage": {"prompt_tokens": -1}}',
        b'{"choices": [{"message": {"content": "ok"}}], "usage": {"prompt_tokens": 1e99}}',
    ),
)
ANTHROPIC = Wire(
    provider_type=ProviderType.ANTHROPIC,
    base="/",
    path="/v1/messages",
    model="claude-said",
    word=anthropic.saying("so "),
    idle=anthropic.event("ping"),
    pieces=anthropic.pieces,
    completion=anthropic.completion,
    answering=anthropic.answering,
    failing=anthropic.failing,
    offering=anthropic.offering,
    error=lambda status, text: anthropic.event("error", **anthropic.error(status, text)),
    # Its SDK skips events that are empty.
    wrong=(
        *_NO_ANSWER[1:],
        b'{"content": null}',
        b'{"content": "abc"}',
        b'{"content": [null]}',
        b'{"content": [{"text": "no type"}]}',
        b'{"content": [{"type": "text", "text": {"a": 1}}]}',
        b'{"content": [{"type": "tool_use", "name": 1}]}',
        b'{"content": [{"type": "tool_use", "input": "{}"}]}',
        b'{"content": [], "usage": {"input_tokens": -1}}',
        b'{"content": [], "usage": {"input_tokens": 1e99}}',
        b'{"type": "content_block_delta", "index": 7, "delta": {"type": "text_delta"}}',
        b'{"type": "content_block_start", "index": "a", "content_block": {"type": "text"}}',
    ),
)
GEMINI = Wire(
    provider_type=ProviderType.GEMINI,
    base="/v1beta",
    path="/v1beta/models/asked:generateContent",
    model="gemini-said",
    word=event(gemini.piece({"text": "so "})),
    idle=b'data: {"candidates": []}\n\n',
    pieces=gemini.pieces,
    completion=gemini.completion,
    answering=gemini.answering,
    failing=gemini.failing,
    offering=gemini.offering,
    error=lambda status, text: gemini.error(status, text),
    wrong=(
        *_NO_ANSWER,
        b'{"candidates": null}',
        b'{"candidates": "abc"}',
        b'{"candidates": [null]}',
        b'{"candidates": [{"content": 5}]}',
        b'{"candidates": [{"content": {"parts": {"a": 1}}}]}',
        b'{"candidates": [{"content": {"parts": [{"text": 5}]}}]}',
        b'{"candidates": [{"content": {"parts": [{"functionCall": {"args": "{}"}}]}}]}',
        b'{"candidates": [], "usageMetadata": {"promptTokenCount": -1}}',
        b'{"candidates": [], "usageMetadata": {"promptTokenCount": 1e99}}',
    ),
)
WIRES = (OPENAI, ANTHROPIC, GEMINI)
