"""What one request carries between the layers: its id, and headers its answer shall have."""

from collections.abc import MutableMapping
from dataclasses import dataclass, field
from typing import Any, Final, cast
from uuid import uuid4

_KEY: Final = "orbiter.exchange"


@dataclass(slots=True)
class Exchange:
    """One request and its answer."""

    request_id: str = field(default_factory=lambda: str(uuid4()))
    answer_headers: dict[str, str] = field(default_factory=dict)


def exchange(scope: MutableMapping[str, Any] | Any) -> Exchange:
    """Return the exchange of an ASGI scope."""
    if _KEY not in scope:
        scope[_KEY] = Exchange()
    return cast("Exchange", scope[_KEY])
