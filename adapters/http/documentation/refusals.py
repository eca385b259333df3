"""Error responses: one shared component for each status, each with a real example."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from orbiter.adapters.http.documentation.headers import RATE_LIMIT, references

ERROR: Final = "Error"
SCHEMA: Final[Mapping[str, Any]] = {
    "title": ERROR,
    "description": "Every error, whoever raises it.",
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message", "details"],
            "properties": {
                "code": {"type": "string", "description": "What programs look at."},
                "message": {"type": "string", "description": "What people read."},
                "details": {
                    "type": ["object", "null"],
                    "description": "More, by code: `fields` for VALIDATION_ERROR, `request_id` "
                    "for INTERNAL_ERROR.",
                },
            },
        }
    },
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """One way of saying no."""

    code: str
    message: str
    meaning: str
    details: Mapping[str, Any] | None = None
    headers: tuple[str, ...] = ()


_NAME_TOO_SHORT: Final = {
    "field": "name",
    "message": "String should have at least 1 character",
    "type": "string_too_short",
}
REFUSALS: Final[Mapping[int, Refusal]] = {
    400: Refusal(
        "BAD_REQUEST",
        "The cursor is not valid",
        "Malformed JSON, a bad or missing query parameter, or a forged cursor.",
    ),
    401: Refusal(
        "UNAUTHORIZED",
        "Sign in, or send an API key",
        "Missing or invalid authentication.",
    ),
    403: Refusal(
        "FORBIDDEN",
        "Your role or key does not permit this",
        "The role or the key does not permit this, or the CSRF token is missing.",
    ),
    404: Refusal(
        "RESOURCE_NOT_FOUND",
        "Project not found",
        "It does not exist, or not in this workspace; a malformed id too.",
    ),
    409: Refusal(
        "CONFLICT",
        "The project still holds things",
        "It collides with what is stored.",
        {"dependents": {"workflows": 2}},
    ),
    413: Refusal(
        "PAYLOAD_TOO_LARGE",
        "The body is too large",
        "The body is larger than 2 MiB.",
    ),
    415: Refusal(
        "UNSUPPORTED_MEDIA_TYPE",
        "Send the body as application/json",
        "The body is not JSON.",
    ),
    422: Refusal(
        "VALIDATION_ERROR",
        "Validation error",
        "Fields of the body are wrong: all of them stand in `details.fields`.",
        {"fields": [_NAME_TOO_SHORT]},
    ),
    429: Refusal(
        "RATE_LIMITED",
        "Too many requests",
        "A rate limit is used up; `Retry-After` says for how long.",
        headers=("Retry-After", *RATE_LIMIT),
    ),
    500: Refusal(
        "INTERNAL_ERROR",
        "Internal server error",
        "A bug; please report it with the request's id.",
        {"request_id": "3b0c0f0e-6a1d-4f6b-9a54-0d7c6f7c2d11"},
    ),
    503: Refusal(
        "SERVICE_UNAVAILABLE",
        "The database does not answer",
        "Something Orbiter depends on does not answer at the moment.",
        headers=("Retry-After",),
    ),
}


def name_of(status: int) -> str:
    """Return the component's name: `NotFound`."""
    return HTTPStatus(status).phrase.title().replace(" ", "")


def reference(status: int) -> dict[str, str]:
    """Return the component, by reference."""
    return {"$ref": f"#/components/responses/{name_of(status)}"}


def response(status: int) -> dict[str, Any]:
    """Return the component's content."""
    refusal = REFUSALS[status]
    error = {"code": refusal.code, "message": refusal.message, "details": refusal.details}
    return {
        "description": refusal.meaning,
        "headers": references("X-Request-ID", *refusal.headers),
        "content": {
            "application/json": {
                "schema": {"$ref": f"#/components/schemas/{ERROR}"},
                "example": {"error": error},
            }
        },
    }
