"""Request bodies: decoded strictly and once, before the handler; refused with every wrong field.

Litestar knows the bodies' types by `StrictBody`, a data transfer object, and documents them. They
are decoded by a guard, `read_body`, because a refused body must first ask whether what it is about
exists: 404 comes before 422.
"""

from collections.abc import Callable, Generator, Mapping
from functools import cache
from typing import Any, Final, NoReturn, cast

import msgspec
from litestar import Request
from litestar._openapi.schema_generation import SchemaCreator
from litestar.connection import ASGIConnection
from litestar.dto import AbstractDTO
from litestar.dto.data_structures import DTOFieldDefinition
from litestar.handlers import BaseRouteHandler
from litestar.openapi.spec import Reference, Schema
from litestar.typing import FieldDefinition

from orbiter.adapters.http.errors import MediaTypeUnsupported
from orbiter.adapters.http.validation import BODY, problems_of
from orbiter.domain.errors import BadRequest, FieldProblem, Invalid

DEPTH_MAX: Final = 64
SUBJECT: Final = "subject"
_BODY: Final = "orbiter_body"


class StrictBody(AbstractDTO[Any]):
    """What Litestar takes for a body: the object that `read_body` has decoded."""

    @classmethod
    def create_for_field_definition(
        cls, field_definition: FieldDefinition, handler_id: str, backend_cls: Any = None
    ) -> None:
        """Do nothing: no model is transformed."""

    @classmethod
    def generate_field_definitions(
        cls, model_type: type[Any]
    ) -> Generator[DTOFieldDefinition, None, None]:
        """Yield nothing: no model is transformed."""
        yield from ()

    @classmethod
    def detect_nested_field(cls, field_definition: FieldDefinition) -> bool:
        """Say no: no model is transformed."""
        return False

    @classmethod
    def create_openapi_schema(
        cls, field_definition: FieldDefinition, handler_id: str, schema_creator: SchemaCreator
    ) -> Reference | Schema:
        """Return the schema of the body's type."""
        return schema_creator.for_field_definition(field_definition)

    def decode_bytes(self, value: bytes) -> Any:
        """Return what was decoded."""
        return self.asgi_connection.scope["state"][_BODY]


async def read_body(
    connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler
) -> None:
    """Decode the body of a route that takes one, or raise Invalid, BadRequest or a 415."""
    field = handler.parsed_data_field
    if field is None:
        return
    request = cast("Request[Any, Any, Any]", connection)
    body = await request.body()
    if not body and field.is_optional:
        return
    try:
        request.scope["state"][_BODY] = decode(body, _kind(field), _content_type(request))
        if not body:
            raise Invalid.field(BODY, "Field required", "missing")
    except Invalid:
        await _require_subject(request, handler)
        raise


def decode(body: bytes, kind: type, content_type: str = "application/json") -> Any:
    """Return *body* as an instance of *kind*."""
    if body and not _is_json(content_type):
        raise MediaTypeUnsupported("Send the body as application/json")
    try:
        _require_shallow(body)
        return _decoder(kind).decode(body or b"{}")
    except msgspec.ValidationError as error:
        _refuse(body or b"{}", kind, error)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadRequest(f"The body is not JSON: {error}") from None


def _refuse(body: bytes, kind: type, error: msgspec.ValidationError) -> NoReturn:
    problems = problems_of(msgspec.json.decode(body), kind)
    raise Invalid(problems or [FieldProblem(BODY, str(error))]) from None


def _require_shallow(body: bytes) -> None:
    if body.count(b"[") + body.count(b"{") <= DEPTH_MAX:
        return
    try:
        level: list[Any] = [msgspec.json.decode(body)]
    except RecursionError:
        level = [{}]
        raise BadRequest(f"The body is nested deeper than {DEPTH_MAX} levels") from None
    for _ in range(DEPTH_MAX):
        level = [inner for each in level for inner in _inside(each)]
    if any(isinstance(each, dict | list) for each in level):
        raise BadRequest(f"The body is nested deeper than {DEPTH_MAX} levels")


def _inside(value: Any) -> Any:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _is_json(content_type: str) -> bool:
    media_type = content_type.partition(";")[0].strip().lower()
    return media_type in ("", "application/json") or media_type.endswith("+json")


def _content_type(request: Request[Any, Any, Any]) -> str:
    return request.headers.get("content-type", "")


def _kind(field: FieldDefinition) -> type:
    inner = [each for each in field.inner_types if not each.is_none_type]
    return cast("type", (inner[0] if field.is_optional else field).annotation)


@cache
def _decoder(kind: type) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind)


async def _require_subject(request: Request[Any, Any, Any], handler: BaseRouteHandler) -> None:
    # Only a refused body pays for this look.
    subject: str | None = handler.opt.get(SUBJECT)
    identities = list(request.path_params.values())
    if subject and identities:
        resource: Mapping[str, Any] | Any = getattr(request.app.state.core, subject)
        look: Callable[..., Any] = resource.get
        await look(request.user, identities[0])
