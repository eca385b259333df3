"""OpenAI's wire format, chat completions: spoken by OpenAI, Azure and every compatible server."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, Final

import httpx2
import msgspec
import openai
from openai import AsyncAzureOpenAI, AsyncOpenAI, AsyncStream

from orbiter.adapters.models.failures import bad_answer, of_status, usable_key
from orbiter.adapters.models.openai_answers import Answering, Completion, Offer, Vectors
from orbiter.adapters.models.openai_requests import chat_body
from orbiter.adapters.models.pieces import unstreamed
from orbiter.application.ports.models import (
    ChatAnswer,
    ChatRequest,
    Embeddings,
    Endpoint,
    ModelError,
    OnText,
)
from orbiter.domain.providers import MODELS_MAX, ProviderType

BASE_URLS: Final[Mapping[ProviderType, str]] = {
    ProviderType.OPENAI: "https://api.openai.com/v1",
    ProviderType.MISTRAL: "https://api.mistral.ai/v1",
    ProviderType.GROQ: "https://api.groq.com/openai/v1",
    ProviderType.OPENROUTER: "https://openrouter.ai/api/v1",
    ProviderType.OLLAMA: "http://127.0.0.1:11434/v1",
}
# The newest version that is generally available; it has tools, json_schema and stream_options.
AZURE_API_VERSION: Final = "2024-10-21"
CLIENTS: Final = 64
# Servers that ask for no key get one all the same: the SDK sends none without.
_NO_KEY: Final = "none"
_ERROR_CODES: Final = frozenset(map(str, range(400, 600)))
# What errors in an answer call themselves, where a status would have said it.
_STATUSES: Final = {
    "context_length_exceeded": 400,
    "insufficient_quota": 429,
    "invalid_request_error": 400,
    "rate_limit_exceeded": 429,
}


class OpenAIModels:
    """Chat, embed and list over the official SDK, which addresses, signs and tells errors apart.

    What answers hold is read here: the SDK does not check it.
    """

    def __init__(self, http: httpx2.AsyncClient) -> None:
        self._http = http
        self._client = lru_cache(CLIENTS)(self._connect)

    async def chat(
        self, endpoint: Endpoint, request: ChatRequest, on_text: OnText | None = None
    ) -> ChatAnswer:
        """Return the answer; with *on_text* it is streamed."""
        body = chat_body(endpoint.provider_type, request, streamed=on_text is not None)
        answering = Answering(on_text)
        with _told(endpoint):
            if on_text is None:
                answer = await self._post(endpoint, "/chat/completions", body)
                answering.add(_whole(answer.content, endpoint))
            else:
                async with await self._stream(endpoint, "/chat/completions", body) as pieces:
                    if (whole := await unstreamed(pieces.response)) is not None:
                        answering.add(_whole(whole, endpoint))
                        return answering.answer(request.model)
                    async for piece in pieces:
                        answering.add(msgspec.convert(piece, Completion))
            return answering.answer(request.model)

    async def embed(self, endpoint: Endpoint, model: str, texts: Sequence[str]) -> Embeddings:
        """Return the texts' embeddings."""
        body = {"model": model, "input": list(texts), "encoding_format": "float"}
        with _told(endpoint):
            answer = await self._post(endpoint, "/embeddings", body)
            return msgspec.json.decode(answer.content, type=Vectors).embeddings(len(texts))

    async def models(self, endpoint: Endpoint) -> Sequence[str]:
        """Return the names of the models on offer, sorted, no more than MODELS_MAX."""
        with _told(endpoint):
            answer = await self._client(endpoint).get("/models", cast_to=httpx2.Response)
            return msgspec.json.decode(answer.content, type=Offer).names()[:MODELS_MAX]

    async def _post(
        self, endpoint: Endpoint, path: str, body: Mapping[str, object]
    ) -> httpx2.Response:
        return await self._client(endpoint).post(path, cast_to=httpx2.Response, body=body)

    async def _stream(
        self, endpoint: Endpoint, path: str, body: Mapping[str, object]
    ) -> AsyncStream[object]:
        return await self._client(endpoint).post(
            path, cast_to=object, body=body, stream=True, stream_cls=AsyncStream[object]
        )

    def _connect(self, endpoint: Endpoint) -> AsyncOpenAI:
        client = self._azure(endpoint) if _is_azure(endpoint) else self._plain(endpoint)
        # The SDK adds these from the server's own environment; they are not for vendors of users.
        client.organization = client.project = client.admin_api_key = None
        client._custom_headers = {}
        return client

    def _plain(self, endpoint: Endpoint) -> AsyncOpenAI:
        return AsyncOpenAI(
            api_key=usable_key(endpoint, _NO_KEY),
            base_url=_url(endpoint),
            timeout=endpoint.timeout_seconds,
            max_retries=0,
            http_client=self._http,
        )

    def _azure(self, endpoint: Endpoint) -> AsyncOpenAI:
        resource = _url(endpoint).rstrip("/")
        return AsyncAzureOpenAI(
            api_key=usable_key(endpoint, _NO_KEY),
            azure_endpoint=resource.removesuffix("/v1").removesuffix("/openai"),
            api_version=AZURE_API_VERSION,
            timeout=endpoint.timeout_seconds,
            max_retries=0,
            http_client=self._http,
        )


def _is_azure(endpoint: Endpoint) -> bool:
    return endpoint.provider_type is ProviderType.AZURE_OPENAI


def _url(endpoint: Endpoint) -> str:
    if (url := endpoint.base_url or BASE_URLS.get(endpoint.provider_type)) is None:
        message = f"Providers of type {endpoint.provider_type} need a base_url"
        raise ModelError("MODEL_REQUEST_REFUSED", message)
    is_bare = httpx2.URL(url).path == "/"
    # Ollama is told by its host and port alone: the path of this wire format goes without saying.
    return (
        f"{url.rstrip('/')}/v1"
        if is_bare and endpoint.provider_type is ProviderType.OLLAMA
        else url
    )


@contextmanager
def _told(endpoint: Endpoint) -> Iterator[None]:
    """Turn what the SDK raises into ModelError; broken connections are told by the gateway."""
    try:
        yield
    except openai.APIStatusError as failure:
        headers, code = failure.response.headers, failure.code or failure.type or ""
        raise of_status(failure.status_code, failure.body, endpoint, headers, code) from None
    except openai.APIConnectionError:
        raise
    except openai.APIError as failure:
        raise _in_an_answer(failure.body, endpoint) from None
    except (ValueError, RecursionError):
        raise bad_answer() from None


def _whole(content: bytes, endpoint: Endpoint) -> Completion:
    whole = msgspec.json.decode(content, type=Completion)
    if whole.error:
        raise _in_an_answer(whole.error, endpoint)
    return whole


def _in_an_answer(error: Any, endpoint: Endpoint) -> ModelError:
    """Return what an error means that comes with status 200, amid a stream for instance."""
    told = error if isinstance(error, Mapping) else {}
    code = str(told.get("code") or told.get("type") or "")
    status = int(code) if code in _ERROR_CODES else _STATUSES.get(code, 500)
    return of_status(status, error, endpoint, {}, code)
