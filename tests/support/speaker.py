"""A model that says what a test lets it say, piece by piece, when it lets it."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from orbiter.application.ports.models import (
    ChatAnswer,
    ChatRequest,
    Embeddings,
    Endpoint,
    OnText,
)
from orbiter.domain.runs import Usage


@dataclass
class Speaker:
    """Each call says what `say` is given until `stop`; *asked* has what it was asked."""

    asked: list[ChatRequest] = field(default_factory=list)
    calling: asyncio.Event = field(default_factory=asyncio.Event)
    pieces: "asyncio.Queue[str | None]" = field(default_factory=asyncio.Queue)

    def say(self, *pieces: str) -> None:
        """Let the model say something more."""
        for piece in pieces:
            self.pieces.put_nowait(piece)

    def stop(self) -> None:
        """Let the model end its answer."""
        self.pieces.put_nowait(None)

    async def chat(
        self, endpoint: Endpoint, request: ChatRequest, on_text: OnText | None = None
    ) -> ChatAnswer:
        self.asked.append(request)
        self.calling.set()
        said = list[str]()
        while (piece := await self.pieces.get()) is not None:
            said.append(piece)
            if on_text is not None:
                on_text(piece)
        usage = Usage(input_tokens=10, output_tokens=5)
        return ChatAnswer(text="".join(said), usage=usage, model=request.model)

    async def embed(self, endpoint: Endpoint, model: str, texts: Sequence[str]) -> Embeddings:
        raise NotImplementedError

    async def models(self, endpoint: Endpoint) -> Sequence[str]:
        return ["echo"]
