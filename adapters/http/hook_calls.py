"""What a hook is called with: as the document tells, and as its run shall see it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from litestar.openapi.spec import OpenAPIMediaType, OpenAPIType, Operation, RequestBody, Schema

from orbiter.adapters.http.bodies import AnyRequest, decode, is_json
from orbiter.domain.errors import BadRequest

TIMESTAMP: Final = "X-Orbiter-Timestamp"
SIGNATURE: Final = "X-Orbiter-Signature"
# What is a credential, to us or to somebody in between, is not for a trace to show.
_CREDENTIAL: Final = re.compile(
    r"authorization|cookie|token|secret|api-?key|csrf|password|x-orbiter-signature"
)
_NOTHING: Final = Schema(type=OpenAPIType.NULL)
_JSON: Final = Schema(description="JSON of any shape.", examples=[{"order": 17, "paid": True}])
_TEXT: Final = Schema(type=OpenAPIType.STRING, description="Any text.", examples=["order 17"])


@dataclass
class CallOperation(Operation):
    """The call of a hook in the document: its body, of which no struct tells."""

    def __post_init__(self) -> None:
        """Say what may be posted."""
        content = {
            "application/json": OpenAPIMediaType(schema=Schema(one_of=[_NOTHING, _JSON])),
            "text/plain": OpenAPIMediaType(schema=Schema(one_of=[_NOTHING, _TEXT])),
        }
        self.request_body = RequestBody(content=content)


def inputs_of(request: AnyRequest, body: bytes) -> dict[str, Any]:
    """Return `body`, `headers` and `query`; raise BadRequest for a body that is no text."""
    headers = _grouped((name.lower(), value) for name, value in request.headers.multi_items())
    query = _grouped(request.query_params.multi_items())
    return {
        "body": _content(body, request.headers.get("content-type", "")),
        "headers": {
            name: ", ".join(values)
            for name, values in headers.items()
            if not _CREDENTIAL.search(name)
        },
        "query": {
            name: values[0] if len(values) == 1 else values for name, values in query.items()
        },
    }


def _content(body: bytes, content_type: str) -> Any:
    if not body:
        return None
    if is_json(content_type):
        return decode(body, object)
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise BadRequest("The body is neither JSON nor text in UTF-8") from None


def _grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for name, value in pairs:
        groups.setdefault(name, []).append(value)
    return groups
