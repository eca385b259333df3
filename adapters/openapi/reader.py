"""OpenAPI 3.0 and 3.1, read as requests that tools can make."""

import asyncio
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from orbiter.adapters.openapi.arguments import Arguments
from orbiter.adapters.openapi.documents import document_of
from orbiter.adapters.openapi.nodes import Node
from orbiter.adapters.openapi.requests import Request, parameters_of
from orbiter.adapters.openapi.schemas import SchemaTranslation
from orbiter.adapters.openapi.security import Credentials, credentials_of
from orbiter.adapters.openapi.servers import server_url
from orbiter.application.ports.service_descriptions import OPERATIONS_MAX, Operation
from orbiter.application.ports.templating import Schemas
from orbiter.domain.errors import FieldProblem, Invalid
from orbiter.domain.tools import DESCRIPTION_MAX, NAME_MAX

PROBLEMS_MAX: Final = 100
_METHODS: Final = ("get", "post", "put", "patch", "delete", "head", "options")
_VERSION: Final = re.compile(r"3\.([01])(\.[0-9]+)?(-.*)?")
_UNFIT: Final = re.compile(r"[^a-zA-Z0-9_-]+")


@dataclass(frozen=True, slots=True)
class _Entry:
    """An operation, as a document holds it: by its path and method."""

    path: str
    method: str
    item: Node
    operation: Node

    @property
    def id(self) -> str:
        return self.operation.child("operationId").text or self.address

    @property
    def address(self) -> str:
        return f"{self.method.upper()} {self.path}"


@dataclass(frozen=True, slots=True)
class _Wishes:
    """What stands in for what a document says, or completes it."""

    base_url: str | None
    origin: str | None
    credentials: Credentials | None


class OpenApiDescriptions:
    """Reads documents in threads of their own: large ones take a second."""

    def __init__(self, schemas: Schemas) -> None:
        self._schemas = schemas

    async def operations(
        self,
        document: str | Mapping[str, Any],
        *,
        wanted: Collection[str] | None = None,
        base_url: str | None = None,
        origin: str | None = None,
        auth: Mapping[str, Any] | None = None,
    ) -> Sequence[Operation]:
        """Return the operations wanted; raise Invalid with every place that is wrong."""
        wishes = _Wishes(base_url, origin, None if auth is None else Credentials(auth=auth))
        return await asyncio.to_thread(self._read, document, wanted, wishes)

    def _read(
        self, document: str | Mapping[str, Any], wanted: Collection[str] | None, wishes: _Wishes
    ) -> Sequence[Operation]:
        root = document_of(document)
        is_3_0 = _is_3_0(root)
        found: list[Operation] = []
        problems: list[FieldProblem] = []
        names = set[str]()
        for entry in _chosen(list(_entries(root)), wanted, root):
            try:
                name = _free(_plain(entry), names)
                translation = SchemaTranslation(entry.operation, self._schemas, is_3_0=is_3_0)
                found.append(self._operation(root, entry, name, translation, wishes))
                names.add(name)
            except Invalid as invalid:
                problems += invalid.problems
            if len(problems) >= PROBLEMS_MAX:
                break
        if problems:
            raise Invalid(problems[:PROBLEMS_MAX])
        return found

    def _operation(
        self,
        root: Node,
        entry: _Entry,
        name: str,
        translation: SchemaTranslation,
        wishes: _Wishes,
    ) -> Operation:
        operation = entry.operation
        url = server_url(root, entry.item, operation, wishes.base_url, wishes.origin)
        request = Request(translation)
        for parameter in parameters_of(entry.item, operation):
            request.take_parameter(parameter)
        if operation.child("requestBody").value is not None:
            request.take_body(operation.child("requestBody"))
        credentials = wishes.credentials or credentials_of(root, operation, url)
        return Operation(
            id=entry.id,
            name=name,
            description=_description(operation),
            parameters=self._checked(operation, request.arguments),
            config=_config(
                method=entry.method.upper(),
                url=f"{url}{request.target(operation, entry.path)}",
                query={**request.query, **credentials.query},
                headers={**request.headers, **credentials.headers},
                body=request.body,
                auth=credentials.auth,
            ),
        )

    def _checked(self, operation: Node, arguments: Arguments) -> Mapping[str, Any]:
        for complaint in self._schemas.complaints(arguments.schema):
            raise operation.wrong(f"Its schemas are no JSON Schema: {complaint}")
        return arguments.schema


def _is_3_0(root: Node) -> bool:
    version = root.child("openapi")
    found = _VERSION.fullmatch(str(version.value))
    if found is None:
        older = root.child("swagger")
        if older.value is not None:
            raise older.wrong("Swagger is not read: convert it to OpenAPI 3.0 or 3.1")
        raise version.wrong("OpenAPI of version 3.0 or 3.1 is read")
    return found[1] == "0"


def _entries(root: Node) -> Iterator[_Entry]:
    for path, item in root.child("paths").entries():
        if path.startswith("x-"):
            continue
        item = item.resolved()
        for method in _METHODS:
            if method in item.mapping:
                yield _Entry(path, method, item, item.child(method))


def _chosen(
    entries: Sequence[_Entry], wanted: Collection[str] | None, root: Node
) -> Sequence[_Entry]:
    if wanted is not None:
        known = {name for entry in entries for name in (entry.id, entry.address)}
        unknown = [
            FieldProblem(f"operations.{at}", "The document has no such operation")
            for at, name in enumerate(wanted)
            if name not in known
        ]
        if unknown:
            raise Invalid(unknown)
        entries = [each for each in entries if {each.id, each.address} & set(wanted)]
    if not entries:
        raise root.child("paths").wrong("There are no operations")
    if len(entries) > OPERATIONS_MAX:
        message = f"{len(entries)} are too many: name {OPERATIONS_MAX} at most in `operations`"
        raise root.child("paths").wrong(message)
    return entries


def _plain(entry: _Entry) -> str:
    written = entry.operation.child("operationId").text or f"{entry.method}{entry.path}"
    return _UNFIT.sub("_", written).strip("_")[:NAME_MAX] or entry.method


def _free(name: str, taken: Iterable[str]) -> str:
    free, number = name, 1
    while free in taken:
        number += 1
        free = f"{name[: NAME_MAX - 4]}_{number}"
    return free


def _description(operation: Node) -> str:
    parts = (operation.child("summary").text, operation.child("description").text)
    told = list(dict.fromkeys(part.strip() for part in parts if part and part.strip()))
    return "\n\n".join(told).replace("\0", "")[:DESCRIPTION_MAX]


def _config(**parts: Any) -> Mapping[str, Any]:
    return {name: part for name, part in parts.items() if part}
