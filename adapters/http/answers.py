"""Answers with headers of their own: created things, tagged ones, accepted ones."""

from typing import Final, TypeVar

from litestar import Response

from orbiter.adapters.http.wire import Output

API: Final = "/api/v1"

Out = TypeVar("Out", bound=Output)


def created(out: Out, path: str, *, etag: str | None = None) -> Response[Out]:
    """Return 201 with the object and where it is; *path* is relative to the API."""
    headers = {"Location": f"{API}{path}"}
    if etag is not None:
        headers["ETag"] = etag
    return Response(out, status_code=201, headers=headers)


def tagged(out: Out, etag: str) -> Response[Out]:
    """Return 200 with the object and its version tag (RFC 9110, 8.8.3)."""
    return Response(out, headers={"ETag": etag})


def etag_of(revision: int) -> str:
    """Return the tag of a revision."""
    return f'"{revision}"'


def revision_of(if_match: str | None) -> int | None:
    """Return the revision an `If-Match` header expects, None when any will do.

    A tag that is none of ours fits no revision: 0, which none has.
    """
    if if_match is None or if_match.strip() == "*":
        return None
    tag = if_match.strip().removeprefix("W/").strip('"')
    return int(tag) if tag.isascii() and tag.isdigit() and len(tag) < 10 else 0
