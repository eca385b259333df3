"""Gemini's wire format, spoken without the vendor's SDK: docs/adr/0008 tells why."""

import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final
from urllib.parse import quote

import httpx2
import msgspec

from orbiter.adapters.models.failures import bad_answer, of_status, usable_key, whole_once
from orbiter.adapters.models.gemini_answers import Answering, Completion, Offer, Vectors
from orbiter.adapters.models.gemini_requests import chat_body, embedding_body
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

BASE_URL: Final = "https://generativelanguage.googleapis.com"
VERSION: Final = "/v1beta"
_NO_KEY: Final = "none"
_PAGE: Final = 1000
_STREAM: Final = "text/event-stream"


class GeminiModels:
    """Chat, embed and list over the guarded client itself."""

    def __init__(self, http: httpx2.AsyncClient) -> None:
        self._http = http

    async def chat(
        self, endpoint: Endpoint, request: ChatRequest, on_text: OnText | None = None
    ) -> ChatAnswer:
        """Return the answer; with *on_text* it is streamed."""
        body, model = chat_body(request), _model(request.model)
        answering = Answering(on_text, request.model)
        with _told():
            if on_text is None:
                whole = await self._whole(endpoint, f"{model}:generateContent", body)
                answering.add(_piece(json.loads(whole), endpoint))
            else:
                path = f"{model}:streamGenerateContent?alt=sse"
                async with self._asked(endpoint, path, body) as answer:
                    with whole_once(answering.has_ended):
                        async for said in _pieces(answer):
                            answering.add(_piece(said, endpoint))
            return answering.answer()

    async def embed(self, endpoint: Endpoint, model: str, texts: Sequence[str]) -> Embeddings:
        """Return the texts' embeddings; the vendor takes up to 100 at once."""
        path, body = _model(model), embedding_body(f"models/{_plain(model)}", texts)
        with _told():
            answer = await self._whole(endpoint, f"{path}:batchEmbedContents", body)
            return msgspec.json.decode(answer, type=Vectors).told(len(texts))

    async def models(self, endpoint: Endpoint) -> Sequence[str]:
        """Return the names of the models on offer, sorted, no more than MODELS_MAX."""
        with _told():
            answer = await self._whole(endpoint, f"models?pageSize={_PAGE}")
            return msgspec.json.decode(answer, type=Offer).names()[:MODELS_MAX]

    async def _whole(
        self, endpoint: Endpoint, path: str, body: Mapping[str, Any] | None = None
    ) -> bytes:
        async with self._asked(endpoint, path, body) as answer:
            return await answer.aread()

    @asynccontextmanager
    async def _asked(
        self, endpoint: Endpoint, path: str, body: Mapping[str, Any] | None
    ) -> AsyncIterator[httpx2.Response]:
        """Give the answer, its body still to be read; without *body*, something is looked up."""
        headers = {"x-goog-api-key": usable_key(endpoint, _NO_KEY)}
        content = None
        if body is not None:
            headers["content-type"] = "application/json"
            content = json.dumps(body).encode()
        async with self._http.stream(
            "GET" if body is None else "POST",
            f"{_url(endpoint)}/{path}",
            headers=headers,
            content=content,
            timeout=endpoint.timeout_seconds,
        ) as answer:
            if answer.status_code != 200:
                raise _failure(answer, await answer.aread(), endpoint)
            yield answer


def _url(endpoint: Endpoint) -> str:
    url = (endpoint.base_url or BASE_URL).rstrip("/")
    # The version goes without saying, unless the address has a path.
    return url if httpx2.URL(url).path.strip("/") else f"{url}{VERSION}"


async def _pieces(answer: httpx2.Response) -> AsyncIterator[Any]:
    if (whole := await unstreamed(answer)) is not None:
        said = json.loads(whole)
        for piece in said if isinstance(said, list) else [said]:
            yield piece
        return
    if not answer.headers.get("content-type", "").startswith(_STREAM):
        raise bad_answer()
    async for event in httpx2.EventSource(answer, max_event_size=None):
        yield event.json()


def _plain(model: str) -> str:
    return model.removeprefix("models/")


def _model(model: str) -> str:
    return f"models/{quote(_plain(model), safe='')}"


def _piece(said: Any, endpoint: Endpoint) -> Completion:
    piece = msgspec.convert(said, Completion)
    if piece.error:
        raise _of_error(_status(piece.error), said, endpoint, {})
    return piece


def _failure(answer: httpx2.Response, content: bytes, endpoint: Endpoint) -> ModelError:
    try:
        said = json.loads(content)
    except (ValueError, RecursionError):
        said = content.decode(errors="replace")
    return _of_error(answer.status_code, said, endpoint, answer.headers)


def _of_error(status: int, said: Any, endpoint: Endpoint, headers: Mapping[str, str]) -> ModelError:
    """Return what an error means; its details tell more than the status does."""
    for detail in _details(said):
        if detail.get("reason") == "API_KEY_INVALID":
            status = 401
        delay = detail.get("retryDelay")
        if isinstance(delay, str) and "retry-after" not in headers:
            headers = {"retry-after": delay.removesuffix("s")}
    return of_status(status, said, endpoint, headers)


def _details(said: Any) -> Iterator[Mapping[str, Any]]:
    error = said.get("error") if isinstance(said, Mapping) else None
    details = error.get("details") if isinstance(error, Mapping) else None
    for detail in details if isinstance(details, list) else ():
        if isinstance(detail, Mapping):
            yield detail


def _status(error: Any) -> int:
    code = error.get("code") if isinstance(error, Mapping) else None
    return code if isinstance(code, int) and 400 <= code < 600 else 500


@contextmanager
def _told() -> Iterator[None]:
    """Turn what can't be read into ModelError; broken connections are told by the gateway."""
    try:
        yield
    except (ValueError, RecursionError):
        raise bad_answer() from None
