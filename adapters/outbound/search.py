"""Searching by an endpoint that speaks SearXNG's or Brave's wire format."""

import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from orbiter.application.ports.outbound import HttpClient, OutboundError, OutboundRequest
from orbiter.application.ports.search import SearchError, SearchResult

TITLE_MAX: Final = 300
URL_MAX: Final = 2000
SNIPPET_MAX: Final = 1000
TIMEOUT_SECONDS: Final = 20

_BRAVE: Final = "/web/search"
_TAG: Final = re.compile(r"<[^<>]{0,200}>")
_NOT_CONFIGURED: Final = (
    "No search engine is configured: set ORBITER_SEARCH_URL to that of a SearXNG, such as "
    "https://searx.example.org/search, or to https://api.search.brave.com/res/v1/web/search "
    "together with ORBITER_SEARCH_KEY"
)


class EndpointSearch:
    """Asks the endpoint at *url*: Brave's way if its path ends in `/web/search`, else SearXNG's.

    Of a SearXNG the url's last part may be left out. Without a url every search fails.
    """

    def __init__(self, client: HttpClient, url: str | None, key: str | None = None) -> None:
        self._client = client
        self._url = url
        self._key = key

    async def search(self, query: str, *, limit: int) -> Sequence[SearchResult]:
        """Return what the endpoint finds; raise SearchError."""
        if self._url is None:
            raise SearchError("SEARCH_NOT_CONFIGURED", _NOT_CONFIGURED)
        if urlsplit(self._url).path.rstrip("/").endswith(_BRAVE):
            headers = {"x-subscription-token": self._key} if self._key else {}
            answer = await self._ask(self._url, headers, {"q": query, "count": limit})
            entries = _part(_part(answer, "web"), "results")
        else:
            headers = {"authorization": f"Bearer {self._key}"} if self._key else {}
            url = self._url.rstrip("/")
            url = url if url.endswith("/search") else f"{url}/search"
            entries = _part(
                await self._ask(url, headers, {"q": query, "format": "json"}), "results"
            )
        return list(_results(entries or (), limit))

    async def _ask(self, url: str, headers: Mapping[str, str], query: Mapping[str, Any]) -> Any:
        request = OutboundRequest(
            method="GET",
            url=url,
            headers={"accept": "application/json", **headers},
            query=query,
            timeout_seconds=TIMEOUT_SECONDS,
        )
        try:
            answer = await self._client.send(request)
        except OutboundError as error:
            raise SearchError(error.code, f"The search engine: {error.message}") from None
        if answer.status >= 400:
            told = f"The search engine answered with status {answer.status}"
            raise SearchError("SEARCH_FAILED", told)
        try:
            return json.loads(answer.body)
        except (ValueError, RecursionError):
            told = "The search engine's answer is no JSON; is `json` among the formats it allows?"
            raise SearchError("SEARCH_FAILED", told) from None


def _part(answer: Any, name: str) -> Any:
    return answer.get(name) if isinstance(answer, Mapping) else None


def _results(entries: Iterable[Any], limit: int) -> Iterator[SearchResult]:
    for entry in entries if isinstance(entries, list) else ():
        if limit == 0:
            return
        url = _part(entry, "url")
        if not isinstance(url, str) or not url.startswith(("http://", "https://")):
            continue
        if len(url) > URL_MAX:
            continue
        limit -= 1
        snippet = _part(entry, "content") or _part(entry, "description")
        yield SearchResult(
            title=_plain(_part(entry, "title"))[:TITLE_MAX],
            url=url,
            snippet=_plain(snippet)[:SNIPPET_MAX],
        )


def _plain(text: Any) -> str:
    if not isinstance(text, str):
        return ""
    # Far more than is shown, so that a page of megabytes costs nothing.
    return " ".join(html.unescape(_TAG.sub("", text[: 4 * SNIPPET_MAX])).split())
