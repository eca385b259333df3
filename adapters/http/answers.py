"""Answers with headers of their own: created things, tagged ones, accepted ones."""

import re
from typing import Annotated, Final, TypeVar

from litestar import Response
from litestar.params import HeaderParameter

from orbiter.adapters.http.wire import Output

API: Final = "/api/v1"
_TAG: Final = re.compile(r'"([0-9]{1,9})"')

Out = TypeVar("Out", bound=Output)
IfMatch = Annotated[
    str | None, HeaderParameter(name="If-Match", description="The ETag the change builds on.")
]


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


def revisions_of(if_match: str | None) -> frozenset[int] | None:
    """Return the revisions an `If-Match` header expects, None when any will do.

    A tag that is none of ours is that of no revision.
    """
    if if_match is None or if_match.strip() == "*":
        return None
    tags = (tag.strip().removeprefix("W/") for tag in if_match.split(","))
    return frozenset(int(found[1]) for tag in tags if (found := _TAG.fullmatch(tag)))
