"""Calls of a provider, once, with its key: the only place where it is unsealed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from orbiter.application.ports.models import (
    ChatAnswer,
    ChatRequest,
    Embeddings,
    Endpoint,
    ModelError,
    ModelGateway,
    OnText,
)
from orbiter.application.sealing import Seals
from orbiter.domain.providers import Provider

_KIND: Final = "provider"


@dataclass(frozen=True, slots=True)
class Vendors:
    """Call providers' models; raise ModelError as the gateway does."""

    gateway: ModelGateway
    seals: Seals

    def seal(self, provider: Provider, key: str) -> bytes:
        """Return what may be stored of *provider*'s key; no other provider can use it."""
        return self.seals.seal(_KIND, provider.workspace_id, provider.id, key)

    async def chat(
        self, provider: Provider, request: ChatRequest, on_text: OnText | None
    ) -> ChatAnswer:
        """Return the answer of a chat model."""
        return await self.gateway.chat(self._endpoint(provider), request, on_text)

    async def embed(self, provider: Provider, model: str, texts: Sequence[str]) -> Embeddings:
        """Return the texts' embeddings."""
        return await self.gateway.embed(self._endpoint(provider), model, texts)

    async def models(self, provider: Provider, *, timeout_seconds: float) -> Sequence[str]:
        """Return the names of the models on offer, waiting at most *timeout_seconds*."""
        return await self.gateway.models(self._endpoint(provider, timeout_seconds))

    def _endpoint(self, provider: Provider, timeout_seconds: float | None = None) -> Endpoint:
        own = provider.timeout_seconds
        return Endpoint(
            provider_type=provider.provider_type,
            base_url=provider.base_url,
            api_key=self._key(provider),
            timeout_seconds=own if timeout_seconds is None else min(own, timeout_seconds),
        )

    def _key(self, provider: Provider) -> str | None:
        if provider.sealed_key is None:
            return None
        try:
            return self.seals.open(_KIND, provider.workspace_id, provider.id, provider.sealed_key)
        except ValueError:
            message = f"The key of the provider {provider.name} can't be read: send it again"
            raise ModelError("MODEL_KEY_REFUSED", message, elsewhere=True) from None
