"""The OpenAPI document: what Litestar reads from the routes, and what it can't know."""

import re
from collections.abc import Iterator
from typing import Any, Final

import msgspec
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute

from orbiter.adapters.http.documentation import headers, refusals
from orbiter.adapters.http.documentation.examples import Examples
from orbiter.adapters.http.documentation.operations import Operation

# Litestar names what a generic type becomes by the whole path of its argument.
_PAGE_NAME: Final = re.compile(rb"PageOut_[\w.]+\.(\w+?)(?:Out|Item)_")


def describe(app: Litestar) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of *app*, ready to be written as JSON.

    Beyond what Litestar makes it says for each operation who may use it, which headers go and come,
    how it fails, and how its bodies look.
    """
    document: dict[str, Any] = app.openapi_schema.to_schema()
    components = document["components"]
    schemas = components.setdefault("schemas", {})
    schemas[refusals.ERROR] = refusals.SCHEMA
    components["responses"] = {
        refusals.name_of(status): refusals.response(status) for status in refusals.REFUSALS
    }
    components["headers"] = headers.RESPONSE
    components["parameters"] = headers.REQUEST
    examples = Examples(schemas)
    operations = [
        Operation(method, handler, document["paths"][path][method.lower()])
        for method, path, handler in _documented(app)
    ]
    versioned = {each.answered for each in operations if each.is_conditional}
    for operation in operations:
        operation.complete(examples, has_etag=operation.answered in versioned)
    return _renamed(document)


def _renamed(document: dict[str, Any]) -> dict[str, Any]:
    text = _PAGE_NAME.sub(rb"\1Page", msgspec.json.encode(document))
    return msgspec.json.decode(text, type=dict[str, Any])


def _documented(app: Litestar) -> Iterator[tuple[str, str, HTTPRouteHandler]]:
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            for method, (handler, _) in route.route_handler_map.items():
                if handler.resolve_include_in_schema():
                    yield method, route.path_format or "/", handler
