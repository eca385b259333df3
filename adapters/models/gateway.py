"""The gateway to all vendors: one adapter for each wire format, imported when it is first used."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cached_property
from importlib import import_module
from threading import Lock
from typing import TYPE_CHECKING, Final, TypeVar

from orbiter.adapters.models.echo import EchoModels
from orbiter.application.ports.models import (
    ChatAnswer,
    ChatRequest,
    Embeddings,
    Endpoint,
    ModelError,
    ModelGateway,
    OnText,
)
from orbiter.domain.providers import ProviderType

if TYPE_CHECKING:
    import httpx2

STREAM_SECONDS: Final = 600.0
_OPENAI: Final = ("openai", "OpenAIModels")
# Module and class; a class takes the shared client, and its methods are those of the gateway.
ADAPTERS: Final[Mapping[ProviderType, tuple[str, str]]] = {
    ProviderType.OPENAI: _OPENAI,
    ProviderType.AZURE_OPENAI: _OPENAI,
    ProviderType.MISTRAL: _OPENAI,
    ProviderType.GROQ: _OPENAI,
    ProviderType.OPENROUTER: _OPENAI,
    ProviderType.OLLAMA: _OPENAI,
    ProviderType.OPENAI_COMPATIBLE: _OPENAI,
    ProviderType.ANTHROPIC: ("anthropic", "AnthropicModels"),
    ProviderType.GEMINI: ("gemini", "GeminiModels"),
}

T = TypeVar("T")


class VendorModels:
    """Call the models of every vendor over one guarded client, made by *connect* when needed.

    A streamed answer is bounded in time by its endpoint's time-out between pieces and by
    *stream_seconds* as a whole; any other by the endpoint's time-out.
    """

    def __init__(
        self,
        connect: "Callable[[], httpx2.AsyncClient]",
        *,
        stream_seconds: float = STREAM_SECONDS,
    ) -> None:
        self._connect = connect
        self._stream_seconds = stream_seconds
        self._adapters: dict[tuple[str, str], ModelGateway] = {}
        self._echo = EchoModels()
        # Adapters are loaded in threads, and they share the client.
        self._loading = Lock()

    async def chat(
        self, endpoint: Endpoint, request: ChatRequest, on_text: OnText | None = None
    ) -> ChatAnswer:
        """Return the answer; with *on_text* it is streamed, and told each piece as it arrives."""
        seconds = endpoint.timeout_seconds if on_text is None else self._stream_seconds
        return await self._ask(
            endpoint, lambda models: models.chat(endpoint, request, on_text), seconds
        )

    async def embed(self, endpoint: Endpoint, model: str, texts: Sequence[str]) -> Embeddings:
        """Return the texts' embeddings."""
        return await self._ask(endpoint, lambda models: models.embed(endpoint, model, texts))

    async def models(self, endpoint: Endpoint) -> Sequence[str]:
        """Return the names of the models on offer, sorted."""
        return await self._ask(endpoint, lambda models: models.models(endpoint))

    async def close(self) -> None:
        """Close every connection; calls under way fail."""
        if "_client" in vars(self):
            await self._client.aclose()

    async def _ask(
        self,
        endpoint: Endpoint,
        call: Callable[[ModelGateway], Awaitable[T]],
        seconds: float | None = None,
    ) -> T:
        if endpoint.provider_type is ProviderType.ECHO:
            return await call(self._echo)
        adapter = await self._adapter(endpoint.provider_type)
        from orbiter.adapters.models.failures import of_transport, timed_out

        seconds = seconds or endpoint.timeout_seconds
        try:
            async with asyncio.timeout(seconds):
                return await call(adapter)
        except TimeoutError:
            raise timed_out(seconds) from None
        except Exception as failure:
            if (known := of_transport(failure, endpoint)) is not None:
                raise known from None
            raise

    async def _adapter(self, provider_type: ProviderType) -> ModelGateway:
        if (found := self._adapters.get(ADAPTERS[provider_type])) is not None:
            return found
        # An SDK takes a second to import: in a thread, so that the others go on meanwhile.
        return await asyncio.to_thread(self._load, provider_type)

    def _load(self, provider_type: ProviderType) -> ModelGateway:
        module, name = which = ADAPTERS[provider_type]
        with self._loading:
            if which not in self._adapters:
                try:
                    adapter = getattr(import_module(f"orbiter.adapters.models.{module}"), name)
                except ImportError as absent:
                    message = f"Providers of type {provider_type} need the package {module}"
                    raise ModelError("EXTRA_NOT_INSTALLED", message) from absent
                self._adapters[which] = adapter(self._client)
            return self._adapters[which]

    @cached_property
    def _client(self) -> "httpx2.AsyncClient":
        return self._connect()
