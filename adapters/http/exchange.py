"""What one request carries between the layers: its id, and headers its answer shall have."""

import secrets
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any, Final, cast

from litestar.types import Scope, Send

_KEY: Final = "orbiter.exchange"


@dataclass(slots=True)
class Exchange:
    """One request and its answer."""

    request_id: str = field(default_factory=lambda: secrets.token_hex(16))
    answer_headers: dict[str, str] = field(default_factory=dict)


def exchange(scope: MutableMapping[str, Any] | Any) -> Exchange:
    """Return the exchange of an ASGI scope."""
    if _KEY not in scope:
        scope[_KEY] = Exchange()
    return cast("Exchange", scope[_KEY])


def told(scope: Scope, header: bytes) -> str:
    """Return what the request says under *header*, in lower case; all of it, a comma between."""
    return ", ".join(value.decode("latin-1") for name, value in scope["headers"] if name == header)


async def answer_empty(send: Send, headers: Mapping[str, str]) -> None:
    """Answer 204 with *headers*."""
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": 204, "headers": raw})
    await send({"type": "http.response.body", "body": b"", "more_body": False})
