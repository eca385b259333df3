"""Anthropic's wire format, messages, through the official SDK."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, Final

import anthropic
import httpx2
import msgspec
from anthropic import AsyncAnthropic, AsyncStream

from orbiter.adapters.models.anthropic_answers import Answering, Event, Message, Offer
from orbiter.adapters.models.anthropic_requests import chat_body, is_sampled, mark_of
from orbiter.adapters.models.failures import bad_answer, of_status, usable_key, whole_once
from orbiter.adapters.models.pieces import unstreamed
from orbiter.application.ports.models import (
    ChatAnswer,
    ChatRequest,
    Embeddings,
    Endpoint,
    ModelError,
    OnText,
)
from orbiter.domain.providers import MODELS_MAX

BASE_URL: Final = "https://api.anthropic.com"
CLIENTS: Final = 64
# The last version in which the temperature of models, of those that have one, can be chosen.
_SAMPLED_VERSION: Final = "2023-06-01"
_NO_KEY: Final = "none"
_PAGE: Final = 1000
# What errors call themselves amid a stream, where a status would have said it.
_STATUSES: Final = {
    "authentication_error": 401,
    "billing_error": 402,
    "invalid_request_error": 400,
    "not_found_error": 404,
    "overloaded_error": 529,
    "permission_error": 403,
    "rate_limit_error": 429,
    "request_too_large": 413,
    "timeout_error": 504,
}


class AnthropicModels:
    """Chat and list over the official SDK, which addresses, signs and tells errors apart.

    What answers hold is read here: the SDK does not check it. The vendor embeds no texts.
    """

    def __init__(self, http: httpx2.AsyncClient) -> None:
        self._http = http
        self._client = lru_cache(CLIENTS)(self._connect)

    async def chat(
        self, endpoint: Endpoint, request: ChatRequest, on_text: OnText | None = None
    ) -> ChatAnswer:
        """Return the answer; with *on_text* it is streamed."""
        body = chat_body(request, streamed=on_text is not None)
        answering = Answering(on_text, mark_of(body))
        with _told(endpoint):
            if on_text is None:
                answer = await self._post(endpoint, body)
                answering.add_whole(_whole(answer.content, endpoint))
            else:
                async with await self._stream(endpoint, body) as events:
                    if (whole := await unstreamed(events.response)) is not None:
                        answering.add_whole(_whole(whole, endpoint))
                        return answering.answer(request.model)
                    with whole_once(answering.has_ended):
                        async for event in events:
                            answering.add(msgspec.convert(event, Event))
            return answering.answer(request.model)

    async def embed(self, endpoint: Endpoint, model: str, texts: Sequence[str]) -> Embeddings:
        """Raise ModelError: the vendor has no such models."""
        raise ModelError("MODEL_NOT_FOUND", "Anthropic has no models that embed texts")

    async def models(self, endpoint: Endpoint) -> Sequence[str]:
        """Return the names of the models on offer, sorted, no more than MODELS_MAX."""
        with _told(endpoint):
            answer = await self._client(endpoint).get(
                "/v1/models", cast_to=httpx2.Response, options={"params": {"limit": _PAGE}}
            )
            return msgspec.json.decode(answer.content, type=Offer).names()[:MODELS_MAX]

    async def _post(self, endpoint: Endpoint, body: Mapping[str, Any]) -> httpx2.Response:
        return await self._client(endpoint).post(
            "/v1/messages",
            cast_to=httpx2.Response,
            body=body,
            options={"headers": _version(body)},
        )

    async def _stream(self, endpoint: Endpoint, body: Mapping[str, Any]) -> AsyncStream[object]:
        return await self._client(endpoint).post(
            "/v1/messages",
            cast_to=object,
            body=body,
            options={"headers": _version(body)},
            stream=True,
            stream_cls=AsyncStream[object],
        )

    def _connect(self, endpoint: Endpoint) -> AsyncAnthropic:
        url = (endpoint.base_url or BASE_URL).rstrip("/").removesuffix("/v1")
        key = usable_key(endpoint, _NO_KEY)
        client = AsyncAnthropic(
            api_key=key,
            base_url=url,
            timeout=endpoint.timeout_seconds,
            max_retries=0,
            http_client=self._http,
            open_telemetry=False,
        )
        # The SDK adds these from the server's own environment; they are not for vendors of users.
        # Other servers may know only the older header for keys, which the vendor no longer needs.
        client._custom_headers = {} if url == BASE_URL else {"x-api-key": key}
        return client


def _version(body: Mapping[str, Any]) -> dict[str, str]:
    return {"anthropic-version": _SAMPLED_VERSION} if is_sampled(body) else {}


@contextmanager
def _told(endpoint: Endpoint) -> Iterator[None]:
    """Turn what the SDK raises into ModelError; broken connections are told by the gateway."""
    try:
        yield
    except anthropic.APIStatusError as failure:
        if failure.status_code < 400:
            raise _in_an_answer(failure.body, endpoint) from None
        headers, code = failure.response.headers, failure.type or ""
        raise of_status(failure.status_code, failure.body, endpoint, headers, code) from None
    except (ValueError, RecursionError):
        raise bad_answer() from None


def _whole(content: bytes, endpoint: Endpoint) -> Message:
    message = msgspec.json.decode(content, type=Message)
    if message.error:
        raise _in_an_answer(message.error, endpoint)
    return message


def _in_an_answer(said: Any, endpoint: Endpoint) -> ModelError:
    """Return what an error means that comes with status 200, amid a stream for instance."""
    error = said.get("error", said) if isinstance(said, Mapping) else said
    code = str(error.get("type") or "") if isinstance(error, Mapping) else ""
    return of_status(_STATUSES.get(code, 500), said, endpoint, {}, code)
