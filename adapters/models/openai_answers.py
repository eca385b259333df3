"""What chat models answer in OpenAI's wire format: a stream's pieces, or all in one piece."""

from collections.abc import Sequence
from typing import Annotated, Any, Final

import msgspec

from orbiter.adapters.models.failures import bad_answer, broken_off, unavailable
from orbiter.adapters.models.pieces import CallPieces, Speech, tool_calls
from orbiter.application.ports.models import (
    ChatAnswer,
    Embeddings,
    FinishReason,
    OnText,
    ToolCall,
)
from orbiter.domain.prices import Cached
from orbiter.domain.runs import Usage

_Count = Annotated[int, msgspec.Meta(ge=0, le=10**12)]
_REASONS: Final = {
    "content_filter": FinishReason.CONTENT_FILTER,
    "length": FinishReason.LENGTH,
    "model_length": FinishReason.LENGTH,
}


class Details(msgspec.Struct):
    """How many of the tokens were read from the vendor's cache."""

    cached_tokens: _Count | None = None


class Tokens(msgspec.Struct):
    """What a call used."""

    prompt_tokens: _Count | None = None
    completion_tokens: _Count | None = None
    prompt_tokens_details: Details | None = None

    def usage(self) -> Usage:
        """Return both counts; embeddings have no second one."""
        return Usage(
            input_tokens=self.prompt_tokens or 0, output_tokens=self.completion_tokens or 0
        )


class Function(msgspec.Struct):
    """A function's name and arguments, or what comes next of them."""

    name: str | None = None
    arguments: str | dict[str, Any] | None = None


class Fragment(msgspec.Struct):
    """A tool call, or a piece of one."""

    index: int | None = None
    id: str | None = None
    function: Function | None = None


class Part(msgspec.Struct):
    """A part of a content that is no plain text; what models think aloud is not kept."""

    text: str | None = None


class Message(msgspec.Struct):
    """What the model said, or what comes next of it."""

    content: str | list[Part] | None = None
    refusal: str | None = None
    tool_calls: list[Fragment] | None = None


class Choice(msgspec.Struct):
    """One of the answers; *message* in an answer of one piece, *delta* in a stream's."""

    message: Message | None = None
    delta: Message | None = None
    finish_reason: str | None = None
    index: int | None = None


class Completion(msgspec.Struct):
    """An answer, or a piece of one."""

    choices: list[Choice] | None = None
    usage: Tokens | None = None
    model: str | None = None
    error: Any = None


class Vector(msgspec.Struct):
    """One text's embedding."""

    embedding: list[float]
    index: int | None = None


class Vectors(msgspec.Struct):
    """The embeddings of all texts."""

    data: list[Vector]
    usage: Tokens | None = None

    def embeddings(self, count: int) -> Embeddings:
        """Return them in the order of the texts; raise ModelError unless there are *count*."""
        if len(self.data) != count:
            raise bad_answer()
        ordered = sorted(self.data, key=lambda each: each.index or 0)
        return Embeddings(
            vectors=[each.embedding for each in ordered],
            usage=self.usage.usage() if self.usage else None,
        )


class Model(msgspec.Struct):
    """A model on offer."""

    id: str


class Offer(msgspec.Struct):
    """The models on offer; servers without any send null."""

    data: list[Model] | None

    def names(self) -> Sequence[str]:
        """Return their names, sorted, each once."""
        return sorted({each.id for each in self.data or ()})


class Answering:
    """An answer that is put together from its pieces, in their order."""

    def __init__(self, on_text: OnText | None) -> None:
        self._speech = Speech(on_text)
        self._calls: list[CallPieces] = []
        self._by_index: dict[int, CallPieces] = {}
        self._refused = False
        self._reason: str | None = None
        self._tokens: Tokens | None = None
        self._model = ""
        self._strange = False

    def add(self, piece: Completion) -> None:
        """Take the next piece."""
        self._strange = self._strange or (piece.choices is None and piece.usage is None)
        self._tokens = piece.usage or self._tokens
        self._model = self._model or piece.model or ""
        for choice in piece.choices or ():
            if not choice.index:
                self._add(choice)

    def answer(self, model: str) -> ChatAnswer:
        """Return the whole; raise ModelError if the end is missing. *model* is what was asked."""
        if self._reason is None:
            raise bad_answer() if self._strange else broken_off()
        if self._reason == "error":
            raise unavailable("The vendor gave up amid its answer")
        calls = tool_calls(self._calls)
        details = self._tokens.prompt_tokens_details if self._tokens else None
        return ChatAnswer(
            text=self._speech.ended(),
            tool_calls=calls,
            finish_reason=self._finish_reason(calls),
            usage=self._tokens.usage() if self._tokens else None,
            cached=Cached(read=(details.cached_tokens or 0) if details else 0),
            model=self._model or model,
        )

    def _add(self, choice: Choice) -> None:
        said = choice.message or choice.delta or Message()
        # An answer of one piece has ended, whether it says why or not.
        self._reason = choice.finish_reason or self._reason or ("stop" if choice.message else None)
        content = said.content or ""
        if isinstance(content, list):
            content = "".join(part.text or "" for part in content)
        self._refused = self._refused or bool(said.refusal)
        self._speech.say(content + (said.refusal or ""))
        for fragment in said.tool_calls or ():
            call = None if choice.message else self._continued(fragment)
            self._add_to(call or self._begun(fragment), fragment.function or Function())

    def _add_to(self, call: CallPieces, function: Function) -> None:
        call.name = call.name or function.name or ""
        call.add(function.arguments)

    def _continued(self, fragment: Fragment) -> CallPieces | None:
        """Return the call that *fragment* is a piece of, None when it begins another.

        Some servers give no index, and some give the same one to calls of different ids.
        """
        if fragment.index is not None:
            known = self._by_index.get(fragment.index)
        else:
            known = self._calls[-1] if self._calls else None
        if known is None or not (fragment.function and fragment.function.name):
            return known
        is_same = fragment.id == known.id if fragment.id else fragment.index is not None
        return known if is_same else None

    def _begun(self, fragment: Fragment) -> CallPieces:
        call = CallPieces(fragment.id)
        self._calls.append(call)
        if fragment.index is not None:
            self._by_index[fragment.index] = call
        return call

    def _finish_reason(self, calls: Sequence[ToolCall]) -> FinishReason:
        if self._refused:
            return FinishReason.REFUSAL
        otherwise = FinishReason.TOOL_CALLS if calls else FinishReason.STOP
        return _REASONS.get(self._reason or "", otherwise)
