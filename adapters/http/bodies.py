"""Request bodies: decoded strictly and once, before the handler; refused with every wrong field.

Litestar knows the bodies' types by `StrictBody`, a data transfer object, and documents them. They
are decoded by a hook, `read_body`, because a refused body must first ask whether what it is about
exists: 404 comes before 422.
"""

from collections.abc import Awaitable, Callable, Generator, Iterable, Mapping
from functools import cache
from typing import Any, Final, cast

import msgspec
from litestar import Request
from litestar.dto import AbstractDTO
from litestar.dto.data_structures import DTOFieldDefinition
from litestar.exceptions import InternalServerException
from litestar.openapi.spec import Reference, Schema
from litestar.typing import FieldDefinition

from orbiter.adapters.http.access import PERMISSION
from orbiter.adapters.http.errors import MediaTypeUnsupported
from orbiter.adapters.http.nesting import is_deeper
from orbiter.adapters.http.validation import BODY, problems_of
from orbiter.adapters.http.wire import Input
from orbiter.application.facade import Orbiter
from orbiter.domain.errors import BadRequest, FieldProblem, Invalid, NotFound

DEPTH_MAX: Final = 64
FIRST: Final = "first"
_BODY: Final = "orbiter_body"

AnyRequest = Request[Any, Any, Any]
Check = Callable[[AnyRequest], Awaitable[None]]


def about(kind: str) -> dict[str, Check]:
    """Return the option of a route whose path names one of a *kind*, e.g. `projects`.

    A refused body asks first whether there is such a thing: 404 comes before 422.
    """

    async def require(request: AnyRequest) -> None:
        (identity, *_) = request.path_params.values()
        await _require(request, kind, identity)

    return {FIRST: require}


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
        cls, field_definition: FieldDefinition, handler_id: str, schema_creator: Any
    ) -> Reference | Schema:
        """Return the schema of the body's type."""
        schema: Reference | Schema = schema_creator.for_field_definition(field_definition)
        return schema

    def decode_bytes(self, value: bytes) -> Any:
        """Return what was decoded."""
        return self.asgi_connection.scope["state"][_BODY]


async def read_body(request: AnyRequest) -> None:
    """Decode the body of a route that takes one, or raise Invalid, BadRequest or a 415."""
    field = request.route_handler.parsed_data_field
    if field is None:
        return
    body = await body_of(request)
    if not body and field.is_optional:
        return
    if body and not is_json(request.headers.get("content-type", "")):
        raise MediaTypeUnsupported("Send the body as application/json")
    kind = _kind(field)
    try:
        request.scope["state"][_BODY] = decode(body or b"{}", kind)
        if not body:
            raise Invalid.field(BODY, "Field required", "missing")
    except Invalid as refused:
        await _require_first(request)
        dangling = await _dangling(request, body or b"{}", kind, refused)
        raise Invalid([*refused.problems, *dangling]) from None


async def body_of(request: AnyRequest) -> bytes:
    """Return the body; raise BadRequest when the client hangs up before its end."""
    try:
        return await request.body()
    except InternalServerException:
        # Litestar's word for it, which would be logged as a bug of ours.
        raise BadRequest("The body ends before its end") from None


def decode(body: bytes, kind: type) -> Any:
    """Return *body* as an instance of *kind*.

    Raise Invalid with every wrong field, BadRequest for what is no JSON or nested too deep.
    """
    if is_deeper(body, DEPTH_MAX):
        raise BadRequest(f"The body is nested deeper than {DEPTH_MAX} levels")
    try:
        return _decoder(kind).decode(body)
    except msgspec.ValidationError as error:
        problems = problems_of(_plain(body), kind)
        raise Invalid(problems or [FieldProblem(BODY, str(error))]) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _malformed(error) from None


def _plain(body: bytes) -> Any:
    # The decoder stops at the first wrong type: what comes behind may be no JSON at all.
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _malformed(error) from None


def _malformed(error: Exception) -> BadRequest:
    return BadRequest(f"The body is not JSON: {error}")


def is_json(content_type: str) -> bool:
    """Say whether a body of that type is JSON; one of no type is taken for it."""
    media_type = content_type.partition(";")[0].strip().lower()
    return media_type in ("", "application/json") or media_type.endswith("+json")


def _kind(field: FieldDefinition) -> type:
    inner = [each for each in field.inner_types if not each.is_none_type]
    return cast("type", (inner[0] if field.is_optional else field).annotation)


@cache
def _decoder(kind: type) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind)


# What follows is only ever asked of a refused body.


async def _require_first(request: AnyRequest) -> None:
    check: Check | None = request.route_handler.opt.get(FIRST)
    if check is not None:
        await check(request)


async def _dangling(
    request: AnyRequest, body: bytes, kind: type, refused: Invalid
) -> list[FieldProblem]:
    """Return which fields refer to nothing, of those that are not wrong already."""
    sent = _plain(body)
    wrong = {problem.field for problem in refused.problems}
    if BODY in wrong or not issubclass(kind, Input):
        return []
    found = []
    for field, referred in kind.references.items():
        ids = {place: id for place, id in _named(sent, field) if place not in wrong}
        if field not in wrong and ids:
            absent = await _absent(request, referred, frozenset(ids.values()))
            found += [
                FieldProblem(place, absent[id].message) for place, id in ids.items() if id in absent
            ]
    return found


def _named(sent: Any, field: str) -> Iterable[tuple[str, str]]:
    """Return where and what a field names: an id, or a list of such."""
    value = sent.get(field)
    if isinstance(value, list):
        return [(f"{field}.{at}", each) for at, each in enumerate(value)]
    return [] if value is None else [(field, value)]


async def _require(request: AnyRequest, kind: str, identity: str) -> None:
    for absent in (await _absent(request, kind, (identity,))).values():
        raise absent


async def _absent(request: AnyRequest, kind: str, ids: Iterable[str]) -> Mapping[str, NotFound]:
    core: Orbiter = request.app.state.core
    permission = request.route_handler.opt[PERMISSION]
    return await core.presence.absent(request.user, permission, kind, ids)
