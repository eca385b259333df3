"""One request after the other: the first, and those that redirects ask for."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final
from urllib.parse import urlencode

import httpx2

from orbiter.application.ports.outbound import OutboundAnswer, OutboundError, OutboundRequest

_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, 5.6.2
_VALUE: Final = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]*")
_TUNNELS: Final = frozenset({"CONNECT", "TRACE"})
_OURS: Final = frozenset(
    {
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
_DEFAULTS: Final = {"accept": "*/*", "accept-encoding": "gzip, deflate", "user-agent": "orbiter"}
_OF_THE_BODY: Final = frozenset(
    {"content-encoding", "content-language", "content-location", "content-type"}
)
# Any other header may be a credential, and those belong to the origin they were meant for.
_TO_STRANGERS: Final = _DEFAULTS.keys() | _OF_THE_BODY | {"accept-language", "idempotency-key"}
_PORT_MAX: Final = 65535
KNOWN: Final = 256
KNOWN_LENGTH: Final = 1024
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """One request on its way; header names are in lower case."""

    method: str
    url: httpx2.URL
    headers: Mapping[str, str]
    body: bytes | None

    @classmethod
    def first(cls, request: OutboundRequest) -> "Hop":
        """Check what was asked for; raise OutboundError, INVALID_URL or INVALID_REQUEST."""
        method = request.method.upper()
        if not _TOKEN.fullmatch(method) or method in _TUNNELS:
            raise OutboundError("INVALID_REQUEST", "The method is not allowed")
        url = _with_query(_address(request.url), request.query)
        headers = _DEFAULTS | _sane(request.headers)
        return cls(method=method, url=url, headers=headers, body=request.body)

    def next(self, answer: OutboundAnswer) -> "Hop | None":
        """Return what *answer* redirects to, if it does, without credentials for other origins."""
        location = answer.headers.get("location")
        if answer.status not in _REDIRECTS or location is None:
            return None
        hop = replace(self, url=_checked(_joined(self.url, location)))
        if _becomes_get(self.method, answer.status):
            hop = replace(hop, method="GET", body=None, headers=_but(hop.headers, _OF_THE_BODY))
        if _origin(hop.url) != _origin(self.url):
            hop = replace(hop, headers=_only(hop.headers, _TO_STRANGERS))
        return hop


def _becomes_get(method: str, status: int) -> bool:
    if status == 303:
        return method not in ("GET", "HEAD")
    return status in (301, 302) and method == "POST"


def _address(text: str) -> httpx2.URL:
    return _known(text) if len(text) <= KNOWN_LENGTH else _checked(_parsed(text))


@lru_cache(KNOWN)
def _known(text: str) -> httpx2.URL:
    # Workflows call the same addresses again and again, and reading one takes a while.
    return _checked(_parsed(text))


def _parsed(text: str) -> httpx2.URL:
    try:
        return httpx2.URL(text)
    except (httpx2.InvalidURL, UnicodeError):
        raise OutboundError("INVALID_URL", "The url can't be read") from None


def _joined(url: httpx2.URL, location: str) -> httpx2.URL:
    try:
        return url.join(location)
    except (httpx2.InvalidURL, UnicodeError, ValueError):
        raise OutboundError("INVALID_URL", "The answer redirects to no valid url") from None


def _checked(url: httpx2.URL) -> httpx2.URL:
    if url.scheme not in ("http", "https"):
        raise OutboundError("INVALID_URL", "The url must begin with http:// or https://")
    if not url.host:
        raise OutboundError("INVALID_URL", "The url names no host")
    if url.port is not None and not 0 < url.port <= _PORT_MAX:
        raise OutboundError("INVALID_URL", f"The url's port is not within 1 and {_PORT_MAX}")
    if url.userinfo:
        raise OutboundError("INVALID_URL", "The url must not carry credentials")
    return url


def _with_query(url: httpx2.URL, query: Mapping[str, Any]) -> httpx2.URL:
    added = urlencode([pair for name, value in query.items() for pair in _pairs(name, value)])
    return (
        url.copy_with(query=b"&".join(filter(None, (url.query, added.encode())))) if added else url
    )


def _pairs(name: str, value: Any) -> list[tuple[str, str]]:
    if value is None:
        return []
    if isinstance(value, list | tuple):
        return [pair for item in value for pair in _pairs(name, item)]
    return [(name, value if isinstance(value, str) else json.dumps(value))]


def _sane(headers: Mapping[str, str]) -> dict[str, str]:
    for name, value in headers.items():
        if not _TOKEN.fullmatch(name):
            raise OutboundError("INVALID_REQUEST", "A header's name is not valid")
        if not _VALUE.fullmatch(value.strip()):
            raise OutboundError("INVALID_REQUEST", f"The header {name} has a line break in it")
        if name.lower() in _OURS:
            raise OutboundError("INVALID_REQUEST", f"The header {name} can't be chosen")
    return {name.lower(): value.strip() for name, value in headers.items()}


def _origin(url: httpx2.URL) -> tuple[str, str, int | None]:
    # httpx2 gives no port where it is the scheme's own.
    return url.scheme, url.host, url.port


def _only(headers: Mapping[str, str], names: frozenset[str] | set[str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name in names}


def _but(headers: Mapping[str, str], names: frozenset[str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name not in names}
