"""The routes of the documentation: /docs, /redoc, /openapi.json and /assets/docs."""

from typing import Any, Final

import msgspec
from litestar import Controller, Request, Response, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from orbiter.adapters.http.access import public
from orbiter.adapters.http.documentation.description import describe
from orbiter.adapters.http.documentation.pages import (
    ASSETS_PATH,
    Representation,
    assets,
    redoc_page,
    swagger_page,
)

_DOCUMENT: Final = "openapi_document"


class DocumentationController(Controller):
    """The API, to be read by people and by programs."""

    path = "/"
    include_in_schema = False
    opt = public()

    @get("/docs", sync_to_thread=True)
    def swagger(self, request: Request[Any, Any, Any]) -> Response[bytes]:
        """Show Swagger UI."""
        return _answer(request, swagger_page())

    @get("/redoc", sync_to_thread=True)
    def redoc(self, request: Request[Any, Any, Any]) -> Response[bytes]:
        """Show ReDoc."""
        return _answer(request, redoc_page())

    @get("/openapi.json", sync_to_thread=True)
    def openapi(self, request: Request[Any, Any, Any]) -> Response[bytes]:
        """Return the OpenAPI document."""
        return _answer(request, _document(request))

    @get(ASSETS_PATH + "/{name:str}", sync_to_thread=True)
    def asset(self, request: Request[Any, Any, Any], name: FromPath[str]) -> Response[bytes]:
        """Return something the pages load."""
        found = assets().get(name)
        if found is None:
            raise NotFoundException()
        return _answer(request, found)


def _document(request: Request[Any, Any, Any]) -> Representation:
    # Made at the first look and kept: the routes of an app do not change while it runs.
    state = request.app.state
    if _DOCUMENT not in state:
        content = msgspec.json.encode(describe(request.app))
        state[_DOCUMENT] = Representation.of(content, "application/json")
    found: Representation = state[_DOCUMENT]
    return found


def _answer(request: Request[Any, Any, Any], what: Representation) -> Response[bytes]:
    tag = f'"{what.digest}"'
    fresh = tag in request.headers.get("If-None-Match", "")
    headers = {
        "ETag": tag,
        "Cache-Control": what.cache_control,
        "Content-Security-Policy": what.policy,
    }
    return Response(
        b"" if fresh else what.content,
        status_code=304 if fresh else 200,
        media_type=what.media_type,
        headers=headers,
    )
