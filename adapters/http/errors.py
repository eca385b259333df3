"""Every error as the one envelope: kinds of the core, of the framework, and what nobody foresaw."""

from collections.abc import Mapping
from typing import Any, Final

import structlog
from litestar import MediaType, Request, Response
from litestar.exceptions import HTTPException
from litestar.types import ExceptionHandlersMap

from orbiter.adapters.http.exchange import exchange
from orbiter.domain.errors import (
    BadRequest,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    OrbiterError,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
)

RETRY_AFTER_SECONDS: Final = 5

# The table of the API reference: kind of error, code, status.
KINDS: Final[Mapping[type[OrbiterError], tuple[str, int]]] = {
    BadRequest: ("BAD_REQUEST", 400),
    Unauthenticated: ("UNAUTHORIZED", 401),
    Forbidden: ("FORBIDDEN", 403),
    NotFound: ("RESOURCE_NOT_FOUND", 404),
    Conflict: ("CONFLICT", 409),
    Invalid: ("VALIDATION_ERROR", 422),
    TooManyRequests: ("RATE_LIMITED", 429),
    Unavailable: ("SERVICE_UNAVAILABLE", 503),
    OrbiterError: ("INTERNAL_ERROR", 500),
}
# What the framework refuses by itself: status, code, message (None keeps the framework's).
STATUSES: Final[Mapping[int, tuple[str, str | None]]] = {
    400: ("BAD_REQUEST", None),
    401: ("UNAUTHORIZED", None),
    403: ("FORBIDDEN", None),
    404: ("RESOURCE_NOT_FOUND", "There is nothing at this path"),
    405: ("METHOD_NOT_ALLOWED", "The path does not answer to this method"),
    413: ("PAYLOAD_TOO_LARGE", "The body is too large"),
    415: ("UNSUPPORTED_MEDIA_TYPE", None),
    429: ("RATE_LIMITED", None),
    503: ("SERVICE_UNAVAILABLE", None),
}
log = structlog.get_logger("orbiter.http")


class MediaTypeUnsupported(HTTPException):
    """The body is not JSON."""

    status_code = 415


def envelope(
    code: str,
    message: str,
    status: int,
    details: object = None,
    headers: Mapping[str, str] | None = None,
) -> Response[dict[str, object]]:
    """Return the answer every error has."""
    body: dict[str, object] = {"error": {"code": code, "message": message, "details": details}}
    return Response(body, status_code=status, media_type=MediaType.JSON, headers=headers)


def body_of(error: OrbiterError) -> dict[str, object]:
    """Return the body of the answer that *error* would be."""
    code, _ = _kind_of(error)
    return {"error": {"code": code, "message": error.message, "details": _details(error)}}


def of_the_core(
    request: Request[Any, Any, Any], error: OrbiterError
) -> Response[dict[str, object]]:
    """Render *error* with the code and status of its nearest listed ancestor."""
    code, status = _kind_of(error)
    if status == 500:
        return unforeseen(request, error)
    return envelope(code, error.message, status, _details(error), _headers(error))


def of_the_framework(
    request: Request[Any, Any, Any], error: HTTPException
) -> Response[dict[str, object]]:
    """Render what Litestar refused; its messages tell parameters, never internals."""
    if error.status_code >= 500 and error.status_code != 503:
        return unforeseen(request, error)
    code, message = STATUSES.get(error.status_code, ("BAD_REQUEST", None))
    return envelope(code, message or _told(error), error.status_code, headers=error.headers)


def unforeseen(request: Request[Any, Any, Any], error: Exception) -> Response[dict[str, object]]:
    """Render a bug: the client learns the request's id, the log learns the rest."""
    request_id = exchange(request.scope).request_id
    log.error("unforeseen error", exc_info=error, request_id=request_id)
    return envelope("INTERNAL_ERROR", "Internal server error", 500, {"request_id": request_id})


HANDLERS: Final[ExceptionHandlersMap] = {
    OrbiterError: of_the_core,
    HTTPException: of_the_framework,
    Exception: unforeseen,
}


def _kind_of(error: OrbiterError) -> tuple[str, int]:
    return next(KINDS[kind] for kind in type(error).__mro__ if kind in KINDS)


def _details(error: OrbiterError) -> object:
    if isinstance(error, Invalid):
        return {
            "fields": [
                {"field": each.field, "message": each.message, "type": each.type}
                for each in error.problems
            ]
        }
    return error.details


def _headers(error: OrbiterError) -> Mapping[str, str] | None:
    if isinstance(error, TooManyRequests):
        return {"Retry-After": str(error.retry_after)}
    if isinstance(error, Unavailable):
        return {"Retry-After": str(RETRY_AFTER_SECONDS)}
    return None


def _told(error: HTTPException) -> str:
    if isinstance(error.extra, list) and error.extra:
        told = (
            f"{each.get('key', '')}: {each.get('message', '')}"
            for each in error.extra
            if isinstance(each, dict)
        )
        return "; ".join(told) or error.detail
    return error.detail
