"""The headers that requests may and answers do carry, as shared components."""

from collections.abc import Mapping
from typing import Any, Final

IDEMPOTENCY_KEY: Final = "Idempotency-Key"

_TEXT: Final = {"type": "string"}
_COUNT: Final = {"type": "integer", "minimum": 0}

REQUEST: Final[Mapping[str, Mapping[str, Any]]] = {
    IDEMPOTENCY_KEY: {
        "name": IDEMPOTENCY_KEY,
        "in": "header",
        "required": False,
        "description": "A word of your own, such as a UUID. Repeat the request under it, within 24 "
        "hours, and it is not done again: the first answer comes back. With another body: 409.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 255},
    },
}
RESPONSE: Final[Mapping[str, Mapping[str, Any]]] = {
    "X-Request-ID": {
        "description": "The request's id: yours if you sent one, else a new one.",
        "schema": _TEXT,
        "example": "3b0c0f0e-6a1d-4f6b-9a54-0d7c6f7c2d11",
    },
    "RateLimit-Limit": {
        "description": "How many requests the window admits.",
        "schema": _COUNT,
        "example": 1200,
    },
    "RateLimit-Remaining": {
        "description": "How many are left in it.",
        "schema": _COUNT,
        "example": 1187,
    },
    "RateLimit-Reset": {
        "description": "In how many seconds they are all there again.",
        "schema": _COUNT,
        "example": 42,
    },
    "Retry-After": {
        "description": "In how many seconds it is worth trying again.",
        "schema": _COUNT,
        "example": 5,
    },
    "Location": {
        "description": "The path of what was made.",
        "schema": {"type": "string", "format": "uri-reference"},
        "example": "/api/v1/projects/019ad2f1-5b0e-7c2a-9a44-1f0e6a1c9b11",
    },
    "Preference-Applied": {
        "description": "The `wait` of `Prefer` by which it was waited.",
        "schema": _TEXT,
        "example": "wait=10",
    },
    "ETag": {
        "description": "What `If-Match` takes.",
        "schema": _TEXT,
        "example": '"3"',
    },
}
RATE_LIMIT: Final = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")


def references(*names: str) -> dict[str, dict[str, str]]:
    """Return the response headers *names*, by reference."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def parameter(name: str) -> dict[str, str]:
    """Return the request header *name*, by reference."""
    return {"$ref": f"#/components/parameters/{name}"}
