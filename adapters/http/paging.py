"""Pages: `?limit=`, `?cursor=`, `?order=`, and the envelope of a list."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import Annotated, Any, Final, Generic, Literal, TypeVar

from litestar import Request
from litestar.params import QueryParameter

from orbiter.adapters.http.wire import Output
from orbiter.application.paging import LIMIT_DEFAULT, LIMIT_MAX, Page, PageRequest
from orbiter.application.ports.identity import Tokens
from orbiter.domain.errors import BadRequest

_PURPOSE: Final = "cursor"
_MAC_LENGTH: Final = 64
_FREE: Final = frozenset({"cursor", "limit"})

Item = TypeVar("Item")
Out = TypeVar("Out", bound=Output)

Limit = Annotated[
    int, QueryParameter(name="limit", ge=1, le=LIMIT_MAX, description="How many items, 1 to 100.")
]
Cursor = Annotated[
    str | None,
    QueryParameter(name="cursor", description="`next_cursor` of the page before; same filters."),
]
Order = Annotated[
    Literal["asc", "desc"], QueryParameter(name="order", description="`desc`: newest first.")
]


class Pagination(Output):
    """Where a page stands; `next_cursor` is null on the last one."""

    next_cursor: str | None
    has_more: bool
    total: int


class PageOut(Output, Generic[Out]):
    """A page of a list."""

    data: list[Out]
    pagination: Pagination


@dataclass(frozen=True, slots=True)
class Pages:
    """The page a request wants, and how it is answered.

    Cursors are signed over the list they belong to: its path, workspace, order and filters.
    """

    wanted: PageRequest
    list_name: str
    tokens: Tokens

    def show(self, page: Page[Item], kind: type[Out]) -> PageOut[Out]:
        """Return the list envelope with each item as *kind*."""
        after = page.next_after
        pagination = Pagination(
            next_cursor=None if after is None else self._cursor(after),
            has_more=after is not None,
            total=page.total,
        )
        return PageOut(data=[kind.of(item) for item in page.items], pagination=pagination)

    def _cursor(self, after: str) -> str:
        mac = self.tokens.sign(_PURPOSE, f"{self.list_name}\n{after}")
        return _encoded(f"{mac}{after}")


def pages(
    request: Request[Any, Any, Any],
    limit: Limit = LIMIT_DEFAULT,
    cursor: Cursor = None,
    order: Order = "desc",
) -> Pages:
    """Return what a request says of its page; raise BadRequest for a cursor of another list."""
    return _pages(request, limit, cursor, order)


def oldest_first(
    request: Request[Any, Any, Any],
    limit: Limit = LIMIT_DEFAULT,
    cursor: Cursor = None,
    order: Order = "asc",
) -> Pages:
    """Return the same for a list that begins with what is oldest unless it is asked otherwise."""
    return _pages(request, limit, cursor, order)


def _pages(request: Request[Any, Any, Any], limit: int, cursor: str | None, order: str) -> Pages:
    tokens: Tokens = request.app.state.tokens
    filters = sorted((k, v) for k, v in request.query_params.multi_items() if k not in _FREE)
    list_name = f"{request.scope['path']}\n{request.user.workspace_id}\n{order}\n{filters}"
    after = None if cursor is None else _after(tokens, list_name, cursor)
    wanted = PageRequest(limit=limit, after=after, newest_first=order == "desc")
    return Pages(wanted, list_name, tokens)


def _after(tokens: Tokens, list_name: str, cursor: str) -> str:
    text = _decoded(cursor)
    mac, after = text[:_MAC_LENGTH], text[_MAC_LENGTH:]
    if not tokens.signed(_PURPOSE, f"{list_name}\n{after}", mac):
        raise BadRequest("The cursor does not belong to this list")
    return after


def _encoded(text: str) -> str:
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _decoded(cursor: str) -> str:
    try:
        text = urlsafe_b64decode(cursor.encode("ascii") + b"==").decode()
    except ValueError:
        text = ""
    # The decoder passes over what it does not know: a text has many cursors, one of them is ours.
    if _encoded(text) != cursor:
        raise BadRequest("The cursor is not valid")
    return text
