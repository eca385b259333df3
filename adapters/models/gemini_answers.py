"""What chat models answer in Gemini's wire format: a stream's pieces, or all in one piece."""

from collections.abc import Sequence
from typing import Annotated, Any, Final

import msgspec

from orbiter.adapters.models.failures import bad_answer, broken_off, unavailable
from orbiter.adapters.models.gemini_requests import kept_of
from orbiter.adapters.models.pieces import CallPieces, Speech, tool_calls
from orbiter.application.ports.models import (
    ChatAnswer,
    Embeddings,
    FinishReason,
    ModelError,
    OnText,
)
from orbiter.domain.prices import Cached
from orbiter.domain.runs import Usage

_Count = Annotated[int, msgspec.Meta(ge=0, le=10**12)]
_LENGTH: Final = frozenset({"MAX_TOKENS", "CONTINUATION"})
_STOP: Final = frozenset({"STOP", "FINISH_REASON_UNSPECIFIED"})
# The model wrote what its vendor can't read: another time it may do better.
_FAILED: Final = frozenset(
    {"MALFORMED_FUNCTION_CALL", "MALFORMED_RESPONSE", "UNEXPECTED_TOOL_CALL", "OTHER"}
)
_REFUSED: Final = frozenset({"MISSING_THOUGHT_SIGNATURE", "TOO_MANY_TOOL_CALLS"})
_PREFIX: Final = "models/"
_USES: Final = frozenset({"generateContent", "embedContent"})


class _Wire(msgspec.Struct, rename="camel"):
    """What the vendor writes in camel case."""


class Tokens(_Wire):
    """What a call used; thoughts are told apart from the answer."""

    prompt_token_count: _Count | None = None
    candidates_token_count: _Count | None = None
    thoughts_token_count: _Count | None = None
    tool_use_prompt_token_count: _Count | None = None
    cached_content_token_count: _Count | None = None

    def usage(self) -> Usage:
        """Return all that was read, and all that was written."""
        return Usage(
            input_tokens=(self.prompt_token_count or 0) + (self.tool_use_prompt_token_count or 0),
            output_tokens=(self.candidates_token_count or 0) + (self.thoughts_token_count or 0),
        )


class Function(_Wire):
    """A call, always whole."""

    id: str | None = None
    name: str | None = None
    args: dict[str, Any] | None = None


class Part(_Wire):
    """A part of an answer; what the model thinks aloud is a *thought*."""

    text: str | None = None
    thought: bool | None = None
    thought_signature: str | None = None
    function_call: Function | None = None


class Content(_Wire):
    """The parts of an answer, or those that come next."""

    parts: list[Part] | None = None


class Candidate(_Wire):
    """One of the answers."""

    content: Content | None = None
    finish_reason: str | None = None


class Feedback(_Wire):
    """Why the question itself was turned away."""

    block_reason: str | None = None


class Completion(_Wire):
    """An answer, or a piece of one."""

    candidates: list[Candidate] | None = None
    prompt_feedback: Feedback | None = None
    usage_metadata: Tokens | None = None
    model_version: str | None = None
    error: Any = None


class Vector(_Wire):
    """One text's embedding."""

    values: list[float]


class Vectors(_Wire):
    """The embeddings of all texts, in their order."""

    embeddings: list[Vector]
    usage_metadata: Tokens | None = None

    def told(self, count: int) -> Embeddings:
        """Return them; raise ModelError unless there are *count*."""
        if len(self.embeddings) != count:
            raise bad_answer()
        return Embeddings(
            vectors=[each.values for each in self.embeddings],
            usage=self.usage_metadata.usage() if self.usage_metadata else None,
        )


class Model(_Wire):
    """A model, and what it can be asked for."""

    name: str
    supported_generation_methods: list[str] | None = None


class Offer(_Wire):
    """The models on offer."""

    models: list[Model] | None = None

    def names(self) -> Sequence[str]:
        """Return the names of those that chat or embed, sorted, each once."""
        return sorted(
            {
                each.name.removeprefix(_PREFIX)
                for each in self.models or ()
                if not _USES.isdisjoint(each.supported_generation_methods or _USES)
            }
        )


class Answering:
    """An answer of *model* that is put together from its pieces, in their order."""

    def __init__(self, on_text: OnText | None, model: str) -> None:
        self._asked = model
        self._speech = Speech(on_text)
        self._calls: list[CallPieces] = []
        self._reason: str | None = None
        self._blocked = False
        self._tokens: Tokens | None = None
        self._model = ""
        self._strange = False

    def add(self, piece: Completion) -> None:
        """Take the next piece."""
        self._tokens = piece.usage_metadata or self._tokens
        self._model = self._model or piece.model_version or ""
        if piece.prompt_feedback is not None and piece.prompt_feedback.block_reason:
            self._blocked = True
        elif piece.candidates is None and piece.usage_metadata is None:
            self._strange = True
        for candidate in (piece.candidates or ())[:1]:
            self._reason = candidate.finish_reason or self._reason
            for part in (candidate.content and candidate.content.parts) or ():
                self._add(part)

    def has_ended(self) -> bool:
        """Say whether all was said."""
        return self._blocked or self._reason is not None

    def answer(self) -> ChatAnswer:
        """Return the whole; raise ModelError if the end is missing."""
        reason = self._finish_reason()
        return ChatAnswer(
            text=self._speech.ended(),
            tool_calls=tool_calls(self._calls),
            finish_reason=reason,
            usage=self._tokens.usage() if self._tokens else None,
            cached=Cached(
                read=(self._tokens.cached_content_token_count or 0) if self._tokens else 0
            ),
            model=self._model or self._asked,
        )

    def _add(self, part: Part) -> None:
        if part.function_call is not None:
            call = CallPieces(part.function_call.id, part.function_call.name)
            call.add(part.function_call.args or "")
            call.kept = kept_of(self._asked, part.thought_signature)
            self._calls.append(call)
        elif not part.thought:
            self._speech.say(part.text or "")

    def _finish_reason(self) -> FinishReason:
        reason = self._reason
        if self._blocked:
            return FinishReason.CONTENT_FILTER
        if reason is None:
            raise bad_answer() if self._strange else broken_off()
        if reason in _FAILED:
            raise unavailable("The vendor gave up amid its answer")
        if reason in _REFUSED:
            message = f"The vendor stopped for the reason {reason[:64]}"
            raise ModelError("MODEL_REQUEST_REFUSED", message)
        if reason in _LENGTH:
            return FinishReason.LENGTH
        if reason in _STOP:
            return FinishReason.TOOL_CALLS if self._calls else FinishReason.STOP
        # All others are filters, and there are more with each version.
        return FinishReason.CONTENT_FILTER
