"""Models: what is asked of them, what they answer, how they fail; in no vendor's words."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any, Protocol

from orbiter.domain.errors import OrbiterError
from orbiter.domain.prices import NOTHING_CACHED, Cached
from orbiter.domain.providers import ProviderType
from orbiter.domain.runs import Usage

OnText = Callable[[str], None]


class ModelError(OrbiterError):
    """A model gave no usable answer; *code* says why, in capitals.

    `MODEL_RATE_LIMITED` (429), `MODEL_UNAVAILABLE` (5xx, no connection), `MODEL_TIMEOUT`,
    `MODEL_KEY_REFUSED` (401, 403), `MODEL_NOT_FOUND` (404), `CONTEXT_LENGTH_EXCEEDED`,
    `CONTENT_FILTERED` (what is asked), `MODEL_REQUEST_REFUSED` (any other 4xx), `MODEL_BAD_ANSWER`
    (not what the wire format says, or too large), `EGRESS_DENIED`, `PROVIDER_NOT_FOUND`,
    `EXTRA_NOT_INSTALLED`.

    *passing*: the same call may work a moment later, *retry_after* seconds from now if the vendor
    said so. *elsewhere*: another provider of the same type may answer it. The message is fit for
    users: it has neither keys nor addresses.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        passing: bool = False,
        elsewhere: bool = False,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.passing = passing
        self.elsewhere = elsewhere
        self.retry_after = retry_after


class ChatRole(StrEnum):
    """Who speaks."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """A call a model asks for; *arguments* is None when *text*, as it wrote them, is no object.

    *kept* is what its vendor wants back with it when the model is asked again: the thoughts that
    led to it, in a form that only the vendor's adapter can read.
    """

    id: str
    name: str
    arguments: Mapping[str, Any] | None
    text: str = ""
    kept: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatMessage:
    """One message; an assistant's may ask for *tool_calls*, a tool's answers *tool_call_id*."""

    role: ChatRole
    content: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolOffer:
    """A tool the model may call; *parameters* is a JSON Schema of type object."""

    name: str
    description: str
    parameters: Mapping[str, Any]


class ToolUse(StrEnum):
    """Whether tools are called: as the model likes, not at all, or one at least."""

    AUTO = "auto"
    NONE = "none"
    REQUIRED = "required"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatRequest:
    """A call of a chat model; *model* is the vendor's own name of it.

    *messages* begin with the system's, if any. *required_tool* names the one tool to call.
    *output_schema* is the JSON Schema the answer's text must follow as JSON. Only scripted models
    look at how many of the first messages are of *earlier* answers, and at *failures*, the number
    of calls with these messages that failed before.
    """

    model: str
    messages: Sequence[ChatMessage]
    tools: Sequence[ToolOffer] = ()
    tool_use: ToolUse = ToolUse.AUTO
    required_tool: str | None = None
    parallel_tool_calls: bool = True
    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    output_schema: Mapping[str, Any] | None = None
    earlier: int = 0
    failures: int = 0


class FinishReason(StrEnum):
    """Why a model stopped; a refusal's words are the answer's text."""

    STOP = "stop"
    LENGTH = "length"
    TOOL_CALLS = "tool_calls"
    CONTENT_FILTER = "content_filter"
    REFUSAL = "refusal"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatAnswer:
    """What a model answered; *model* is the name it reported.

    *usage* is what the vendor reported, None if it said nothing; *cached* says how much of its
    input the vendor's cache had to do with.
    """

    text: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    finish_reason: FinishReason = FinishReason.STOP
    usage: Usage | None = None
    cached: Cached = NOTHING_CACHED
    model: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """An answer with who gave it and what it cost.

    *provider* is the provider's name, *model* what was asked for: `<name or type>:<model>`.
    *cost_usd* is None when the price or the usage is unknown.
    """

    answer: ChatAnswer
    provider: str
    model: str
    cost_usd: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Embeddings:
    """One vector per text, in their order."""

    vectors: Sequence[Sequence[float]]
    usage: Usage | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where and how a vendor is reached; no *base_url* means the vendor's own.

    *timeout_seconds* bounds the wait for an answer, and between two pieces of a streamed one.
    """

    provider_type: ProviderType
    base_url: str | None = None
    api_key: str | None = field(default=None, repr=False)
    timeout_seconds: float = 30


class ModelGateway(Protocol):
    """Call models over their vendors' wire formats, once: retries are the caller's.

    Raise ModelError for whatever goes wrong. Every connection passes the egress guard, and answers
    are bounded in size. A call that is cancelled lets its connection go at once.
    """

    async def chat(
        self, endpoint: Endpoint, request: ChatRequest, on_text: OnText | None = None
    ) -> ChatAnswer:
        """Return the answer; with *on_text* it is streamed, and told each piece as it arrives."""
        ...

    async def embed(self, endpoint: Endpoint, model: str, texts: Sequence[str]) -> Embeddings:
        """Return the texts' embeddings."""
        ...

    async def models(self, endpoint: Endpoint) -> Sequence[str]:
        """Return the names of the models on offer, sorted; a real request, fit to test a key."""
        ...


class ModelCalls(Protocol):
    """Call the models of a workspace's providers, as often and from as many as it takes."""

    async def chat(
        self,
        workspace_id: str,
        name: str,
        request: ChatRequest,
        on_text: OnText | None = None,
        on_retry: OnText | None = None,
    ) -> Answered:
        """Return the answer of the model called *name*, as `<provider name or type>:<model>`.

        Where a streamed answer breaks off it is asked for again, and its text told from the start.
        *on_retry* is told at each further try how the one before it failed.
        """
        ...
