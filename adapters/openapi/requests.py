"""What a request of an operation is put together from: its path, parameters and body."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from orbiter.adapters.openapi.arguments import Arguments, is_literal, placed
from orbiter.adapters.openapi.nodes import Node
from orbiter.adapters.openapi.schemas import SchemaTranslation

TOKEN: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,256}")
_VARIABLE: Final = re.compile(r"\{([^{}]*)\}")
# OpenAPI gives their names another meaning than a header's.
_NOT_HEADERS: Final = frozenset(("accept", "authorization", "content-type"))
_STYLES: Final = {"path": "simple", "query": "form", "header": "simple"}
_JOINTS: Final = {"form": ",", "simple": ",", "spaceDelimited": " ", "pipeDelimited": "|"}
_JSON: Final = "application/json"


@dataclass(slots=True)
class Request:
    """The parts of a request, as templates over the arguments."""

    schemas: SchemaTranslation
    arguments: Arguments = field(default_factory=Arguments)
    path: dict[str, str] = field(default_factory=dict)
    query: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    body: str | None = None

    def take_parameter(self, parameter: Node) -> None:
        """Take in a parameter; raise Invalid for one that can't be sent."""
        name, place = parameter.child("name").text or "", parameter.child("in").text or ""
        required = parameter.child("required").value is True
        if place == "cookie":
            if required:
                raise parameter.wrong("Cookies are not sent, and this one is required")
            return
        if place not in _STYLES or not name:
            raise parameter.wrong("A parameter should have a name, and be in path, query or header")
        if place == "header" and not TOKEN.fullmatch(name):
            raise parameter.child("name").wrong("A header should have a name that HTTP allows")
        if place != "header" or name.lower() not in _NOT_HEADERS:
            self._place(parameter, name, place, required or place == "path")

    def take_body(self, body: Node) -> None:
        """Take in a body of JSON as the argument `body`; raise Invalid if another is required."""
        body = body.resolved()
        content = body.child("content")
        media_type = next(filter(_is_json, content.mapping), None)
        required = body.child("required").value is True
        if media_type is None:
            if required:
                raise content.wrong("A body is required, and only JSON is sent")
            return
        schema = self._described(content.child(media_type).child("schema"), body)
        argument = self.arguments.add("body", "body", schema, required=required)
        if schema.get("type") in ("object", "array"):
            self.body = placed(argument)
        else:
            # A text among others would be sent without its quotes.
            self.body = placed(argument, "tojson")
            self.headers["content-type"] = _JSON
        if media_type.partition(";")[0].strip() not in (_JSON, "*/*"):
            if not is_literal(media_type):
                raise content.wrong("A media type should not look like a template")
            self.headers["content-type"] = media_type

    def target(self, path: Node, template: str) -> str:
        """Return the path with its parameters in it; raise Invalid if one is not there."""

        def put(found: re.Match[str]) -> str:
            if found[1] not in self.path:
                raise path.wrong(f"The path parameter {found[1]} is not described")
            return self.path[found[1]]

        rest = _VARIABLE.sub("", template)
        if not template.startswith("/") or set(rest) & set("{}#") or not rest.isprintable():
            raise path.wrong("A path should be like /things/{id}")
        return _VARIABLE.sub(put, template)

    def _place(self, parameter: Node, name: str, place: str, required: bool) -> None:
        style = parameter.child("style").text or _STYLES[place]
        schema, is_json = self._schema(parameter)
        if is_json:
            argument = self.arguments.add(name, place, schema, required=required)
            self._put(name, place, placed(argument, "tojson"))
        elif style == "deepObject" or (place == "query" and _is_object(schema)):
            self._spread(parameter, name, style, schema, required=required)
        elif style not in _JOINTS:
            raise parameter.child("style").wrong(f"The style {style} is not supported")
        else:
            argument = self.arguments.add(name, place, schema, required=required)
            explode = parameter.child("explode").value
            repeats = place == "query" and (style == "form" if explode is None else explode is True)
            joins = _is_of(schema, "array") and not repeats
            self._put(name, place, placed(argument, f'join("{_JOINTS[style]}")' if joins else ""))

    def _spread(
        self, parameter: Node, name: str, style: str, schema: Mapping[str, Any], *, required: bool
    ) -> None:
        """Put an object into the query, a property at a time."""
        argument = self.arguments.add(name, "query", schema, required=required)
        properties = schema.get("properties") or {}
        if not properties or (style != "deepObject" and parameter.child("explode").value is False):
            # Whatever it may hold goes as JSON.
            self._put(name, "query", placed(argument))
        for each in properties:
            own = f"{name}[{each}]" if style == "deepObject" else each
            if '"' not in each and "\\" not in each and is_literal(each):
                self._put(own, "query", placed(f'{argument}["{each}"]'))

    def _put(self, name: str, place: str, template: str) -> None:
        parts: dict[str, dict[str, Any]] = {
            "path": self.path,
            "query": self.query,
            "header": self.headers,
        }
        parts[place].setdefault(name, template)

    def _schema(self, parameter: Node) -> tuple[Mapping[str, Any], bool]:
        """Return a parameter's schema, and whether its value is sent as JSON."""
        content = parameter.child("content")
        for media_type, medium in content.entries():
            schema = self._described(medium.child("schema"), parameter)
            return schema, _is_json(media_type)
        return self._described(parameter.child("schema"), parameter), False

    def _described(self, schema: Node, described: Node) -> Mapping[str, Any]:
        found = {} if schema.value is None else self.schemas.translated(schema)
        text = described.child("description").text
        return {"description": text, **found} if text and "description" not in found else found


def parameters_of(item: Node, operation: Node) -> Iterator[Node]:
    """Yield the parameters of an operation: its own, and its path's that it does not redo."""
    own = [each.resolved() for each in operation.child("parameters").items()]
    known = {_which(each) for each in own}
    shared = (each.resolved() for each in item.child("parameters").items())
    yield from (each for each in shared if _which(each) not in known)
    yield from own


def _which(parameter: Node) -> tuple[Any, Any]:
    return parameter.child("name").text, parameter.child("in").text


def _is_json(media_type: str) -> bool:
    plain = media_type.partition(";")[0].strip().lower()
    return plain in (_JSON, "*/*") or plain.endswith("+json")


def _is_of(schema: Mapping[str, Any], kind: str) -> bool:
    kinds = schema.get("type")
    return kind in (kinds if isinstance(kinds, list) else [kinds])


def _is_object(schema: Mapping[str, Any]) -> bool:
    return _is_of(schema, "object")
