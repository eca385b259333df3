"""The OpenAPI document as a client reads it."""

from collections.abc import Iterator
from typing import Any

from support.api import Api

Document = dict[str, Any]


async def document_of(api: Api) -> Document:
    """Return the document as it is served."""
    answer = await api.caller().client.get("/openapi.json")
    assert answer.status_code == 200, answer.text
    found: Document = answer.json()
    return found


def operations(document: Document) -> Iterator[tuple[str, Document]]:
    """Yield every operation under its method and path."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield f"{method} {path}", operation


def bodies(document: Document) -> Iterator[tuple[str, Document]]:
    """Yield every body of a request or of an answer."""
    for name, operation in operations(document):
        answers = operation["responses"].values()
        for holder in (operation.get("requestBody", {}), *answers):
            for media in holder.get("content", {}).values():
                yield name, media
    for name, response in document["components"]["responses"].items():
        yield name, response["content"]["application/json"]
