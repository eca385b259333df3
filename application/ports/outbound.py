"""Requests to the world outside, through one guard."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from orbiter.domain.errors import OrbiterError


class OutboundError(OrbiterError):
    """A request that got no usable answer; *code* says why, in capitals."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboundRequest:
    """A request to send; *timeout_seconds* bounds it whole, redirects included.

    *query* is added to the url's own: a list repeats its name, None leaves it out, what is not
    text goes as JSON. The url carries no credentials; *headers* do, and lose them on a redirect to
    another origin.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    query: Mapping[str, Any]
    body: bytes | None = None
    timeout_seconds: float = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboundAnswer:
    """What came back; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class HttpClient(Protocol):
    """Send requests to public addresses, and to those the operator allows.

    Raise OutboundError with code EGRESS_DENIED, HTTP_TIMEOUT, RESPONSE_TOO_LARGE,
    TOO_MANY_REDIRECTS, INVALID_URL, INVALID_REQUEST or CONNECTION_FAILED; its message is fit for
    users: it tells neither addresses nor credentials.
    """

    async def send(self, request: OutboundRequest) -> OutboundAnswer:
        """Return the answer, whatever its status."""
        ...
