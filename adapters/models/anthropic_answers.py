"""What chat models answer in Anthropic's wire format: a stream's events, or all in one piece."""

from collections.abc import Sequence
from typing import Annotated, Any, Final

import msgspec

from orbiter.adapters.models.anthropic_requests import Kept
from orbiter.adapters.models.failures import bad_answer, broken_off
from orbiter.adapters.models.pieces import CallPieces, Speech, tool_calls
from orbiter.application.ports.models import ChatAnswer, FinishReason, OnText
from orbiter.domain.prices import Cached
from orbiter.domain.runs import Usage

_Count = Annotated[int, msgspec.Meta(ge=0, le=10**12)]
_THOUGHTS: Final = frozenset({"thinking", "redacted_thinking"})
_REASONS: Final = {
    "max_tokens": FinishReason.LENGTH,
    "model_context_window_exceeded": FinishReason.LENGTH,
    "refusal": FinishReason.REFUSAL,
}


class Tokens(msgspec.Struct):
    """What a call used; input is counted without what came from or went to the cache."""

    input_tokens: _Count | None = None
    output_tokens: _Count | None = None
    cache_creation_input_tokens: _Count | None = None
    cache_read_input_tokens: _Count | None = None


class Block(msgspec.Struct):
    """A block of an answer, or the beginning of one."""

    type: str
    text: str | None = None
    thinking: str | None = None
    signature: str | None = None
    data: str | None = None
    id: str | None = None
    name: str | None = None
    input: dict[str, Any] | None = None


class Details(msgspec.Struct):
    """Why the model refused."""

    explanation: str | None = None


class Message(msgspec.Struct):
    """A whole answer, or what is known of one at its beginning."""

    content: list[Block] | None = None
    model: str | None = None
    stop_reason: str | None = None
    stop_details: Details | None = None
    usage: Tokens | None = None
    error: Any = None


class Delta(msgspec.Struct):
    """What comes next of a block, or the end of the answer."""

    type: str | None = None
    text: str | None = None
    thinking: str | None = None
    signature: str | None = None
    partial_json: str | None = None
    stop_reason: str | None = None
    stop_details: Details | None = None


class Event(msgspec.Struct):
    """An event of a stream."""

    type: str
    index: int | None = None
    message: Message | None = None
    content_block: Block | None = None
    delta: Delta | None = None
    usage: Tokens | None = None


class Model(msgspec.Struct):
    """A model; those that are retired are still listed."""

    id: str
    lifecycle: str | None = None


class Offer(msgspec.Struct):
    """The models on offer."""

    data: list[Model]

    def names(self) -> Sequence[str]:
        """Return their names, sorted, each once."""
        return sorted({each.id for each in self.data if each.lifecycle != "retired"})


class _Begun:
    """A block that is put together."""

    def __init__(self, block: Block) -> None:
        self.kind = block.type
        self.call = CallPieces(block.id, block.name)
        self._texts = [block.text or block.thinking or ""]
        self._signatures = [block.signature or ""]
        self._data = block.data or ""
        if block.input:
            self.call.add(block.input)

    def add(self, delta: Delta) -> None:
        self._texts.append(delta.text or delta.thinking or "")
        self._signatures.append(delta.signature or "")
        self.call.add(delta.partial_json)

    def shown(self) -> dict[str, Any] | None:
        """Return the block as it is sent back, None if there is nothing in it."""
        text, signature = "".join(self._texts), "".join(self._signatures)
        match self.kind:
            case "tool_use":
                return {"type": "tool_use"}
            case "thinking" if signature:
                return {"type": "thinking", "thinking": text, "signature": signature}
            case "redacted_thinking" if self._data:
                return {"type": "redacted_thinking", "data": self._data}
            case "text" if text:
                return {"type": "text", "text": text}
        return None


class Answering:
    """An answer that is put together from its pieces; *mark* is that of what was asked."""

    def __init__(self, on_text: OnText | None, mark: str) -> None:
        self._mark = mark
        self._speech = Speech(on_text)
        self._blocks: list[_Begun] = []
        self._by_index: dict[int | None, _Begun] = {}
        self._tokens: Tokens | None = None
        self._reason: str | None = None
        self._explanation = ""
        self._model = ""

    def add_whole(self, message: Message) -> None:
        """Take an answer of one piece."""
        if message.content is None:
            raise bad_answer()
        self._told(message)
        for block in message.content:
            self._begin(None, block)
        # It has ended, whether it says why or not.
        self._end(message.stop_reason or "end_turn", message.stop_details)

    def add(self, event: Event) -> None:
        """Take the next event of a stream."""
        self._count(event.usage)
        if event.message is not None:
            self._told(event.message)
        if event.content_block is not None:
            self._begin(event.index, event.content_block)
        elif event.delta is not None and event.type == "content_block_delta":
            self._go_on(event.index, event.delta)
        elif event.delta is not None:
            self._end(event.delta.stop_reason, event.delta.stop_details)

    def has_ended(self) -> bool:
        """Say whether all was said."""
        return self._reason is not None

    def answer(self, model: str) -> ChatAnswer:
        """Return the whole; raise ModelError if the end is missing. *model* is what was asked."""
        if self._reason is None:
            raise broken_off()
        begun = [each.call for each in self._blocks if each.kind == "tool_use"]
        if begun:
            begun[0].kept = self._kept()
        otherwise = FinishReason.TOOL_CALLS if begun else FinishReason.STOP
        reason = _REASONS.get(self._reason, otherwise)
        if reason is FinishReason.REFUSAL and self._speech.is_silent:
            self._speech.say(self._explanation)
        return ChatAnswer(
            text=self._speech.ended(),
            tool_calls=tool_calls(begun),
            finish_reason=reason,
            usage=_usage(self._tokens),
            cached=_cached(self._tokens or Tokens()),
            model=self._model or model,
        )

    def _told(self, message: Message) -> None:
        self._model = message.model or self._model
        self._count(message.usage)

    def _count(self, tokens: Tokens | None) -> None:
        """Take counts, which are told again as they grow, or left out."""
        if tokens is None:
            return
        self._tokens = self._tokens or Tokens()
        for name in tokens.__struct_fields__:
            if (count := getattr(tokens, name)) is not None:
                setattr(self._tokens, name, count)

    def _begin(self, index: int | None, block: Block) -> None:
        begun = _Begun(block)
        self._blocks.append(begun)
        self._by_index[index] = begun
        if block.type == "text":
            self._speech.say(block.text or "")

    def _go_on(self, index: int | None, delta: Delta) -> None:
        if (begun := self._by_index.get(index)) is None:
            raise bad_answer()
        begun.add(delta)
        if begun.kind == "text":
            self._speech.say(delta.text or "")

    def _end(self, reason: str | None, details: Details | None) -> None:
        self._reason = reason or self._reason
        self._explanation = (details.explanation if details else None) or self._explanation

    def _kept(self) -> str:
        """Return what goes back with the calls: nothing, unless the model thought."""
        blocks = [shown for each in self._blocks if (shown := each.shown()) is not None]
        if _THOUGHTS.isdisjoint(each["type"] for each in blocks):
            return ""
        return msgspec.json.encode(Kept(self._mark, blocks)).decode()


def _usage(tokens: Tokens | None) -> Usage | None:
    if tokens is None:
        return None
    cached = _cached(tokens)
    return Usage(
        input_tokens=(tokens.input_tokens or 0) + cached.read + cached.written,
        output_tokens=tokens.output_tokens or 0,
    )


def _cached(tokens: Tokens) -> Cached:
    return Cached(
        read=tokens.cache_read_input_tokens or 0, written=tokens.cache_creation_input_tokens or 0
    )
