"""Models whose answers and failures a test lays out, and prices it sets."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Final

from orbiter.application.ports.models import (
    ChatAnswer,
    ChatRequest,
    Embeddings,
    Endpoint,
    ModelError,
    OnText,
)
from orbiter.application.ports.system import Clock
from orbiter.domain.prices import Cached
from orbiter.domain.providers import Provider
from orbiter.domain.runs import Usage
from support.clock import START

BUSY: Final = ModelError("MODEL_RATE_LIMITED", "too many", passing=True, elsewhere=True)
DOWN: Final = ModelError("MODEL_UNAVAILABLE", "broken", passing=True, elsewhere=True)
SLOW: Final = ModelError("MODEL_TIMEOUT", "silence", passing=True, elsewhere=True)
REFUSED: Final = ModelError("MODEL_KEY_REFUSED", "who are you?", elsewhere=True)
ABSENT: Final = ModelError("MODEL_NOT_FOUND", "no such model")
SPENT: Final = Usage(input_tokens=10, output_tokens=5)


def busy_for(seconds: float) -> ModelError:
    """Return the failure of a vendor that says when to come again."""
    return ModelError(
        "MODEL_RATE_LIMITED", "later", passing=True, elsewhere=True, retry_after=seconds
    )


@dataclass(frozen=True)
class Call:
    """A call that came, *after* so many seconds of the test, with a provider's *key*."""

    key: str | None
    after: float
    endpoint: Endpoint
    request: ChatRequest | None = None


@dataclass
class LaidOutModels:
    """A gateway that fails as *failures* say, by key and in their order, and then answers.

    A chat model answers with the key it was called with.
    """

    clock: Clock
    failures: dict[str | None, deque[BaseException]] = field(default_factory=dict)
    usage: Usage | None = SPENT
    reports: str = ""
    calls: list[Call] = field(default_factory=list)

    def fail(self, key: str | None, *failures: BaseException) -> None:
        """Let the next calls with *key* fail."""
        self.failures.setdefault(key, deque()).extend(failures)

    @property
    def called(self) -> list[tuple[str | None, float]]:
        """Return whose models were called and when."""
        return [(call.key, call.after) for call in self.calls]

    async def chat(
        self, endpoint: Endpoint, request: ChatRequest, on_text: OnText | None = None
    ) -> ChatAnswer:
        """Tell half of the answer, fail if that is due, tell the rest."""
        if on_text is not None:
            on_text("half ")
        self._come(endpoint, request)
        if on_text is not None:
            on_text("whole")
        return ChatAnswer(text=str(endpoint.api_key), usage=self.usage, model=self.reports)

    async def embed(self, endpoint: Endpoint, model: str, texts: Sequence[str]) -> Embeddings:
        """Return a vector for each text."""
        self._come(endpoint, None)
        return Embeddings(vectors=[[float(len(text))] for text in texts], usage=self.usage)

    async def models(self, endpoint: Endpoint) -> Sequence[str]:
        """Return two names."""
        self._come(endpoint, None)
        return ["large", "small"]

    def _come(self, endpoint: Endpoint, request: ChatRequest | None) -> None:
        after = (self.clock.now() - START).total_seconds()
        self.calls.append(Call(endpoint.api_key, after, endpoint, request))
        if self.failures.get(endpoint.api_key):
            raise self.failures[endpoint.api_key].popleft()


@dataclass(frozen=True)
class SetPrices:
    """Dollars per token, by model; the others have no price."""

    per_token: Mapping[str, Decimal] = field(default_factory=dict)

    async def cost(
        self,
        provider: Provider,
        model: str,
        usage: Usage,
        cached: Cached,
        *,
        at: datetime,
    ) -> Decimal | None:
        """Return what the tokens cost, if the model has a price."""
        price = self.per_token.get(model)
        return None if price is None else price * usage.total_tokens
