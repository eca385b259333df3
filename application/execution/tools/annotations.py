"""Types as Python writes them, as JSON Schemas."""

import ast
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

DEPTH_MAX: Final = 10
MEMBERS_MAX: Final = 50
KNOWN: Final = (
    "int, float, str, bool, None, list, dict, Literal, Any, Optional, Annotated and unions"
)

Schema = Mapping[str, Any]

_PLAIN: Final[Mapping[str, Schema]] = {
    "int": {"type": "integer"},
    "float": {"type": "number"},
    "str": {"type": "string"},
    "bool": {"type": "boolean"},
    "list": {"type": "array"},
    "List": {"type": "array"},
    "dict": {"type": "object"},
    "Dict": {"type": "object"},
    "Any": {},
}
_NULL: Final[Schema] = {"type": "null"}


class Unfit(Exception):
    """A type that no JSON Schema is made of."""


def schema_of(annotation: ast.expr, depth: int = 0) -> Schema:
    """Return the JSON Schema of a type, or raise Unfit."""
    if depth > DEPTH_MAX:
        raise Unfit(f"types lie at most {DEPTH_MAX} levels deep in each other")
    match annotation:
        case ast.Constant(value=None):
            return _NULL
        case ast.BinOp(op=ast.BitOr()):
            return _any_of(list(_members(annotation)), depth)
        case ast.Subscript(value=generic, slice=inside):
            build = _GENERIC.get(_name(generic))
            if build is not None:
                return build(
                    list(inside.elts if isinstance(inside, ast.Tuple) else [inside]), depth
                )
        case _:
            if (known := _PLAIN.get(_name(annotation))) is not None:
                return known
    raise Unfit(f"types are {KNOWN}")


def or_none(schema: Schema) -> Schema:
    """Return a schema that lets None through too."""
    members = schema.get("anyOf", [schema])
    if schema == {} or _NULL in members or None in schema.get("enum", ()):
        return schema
    return {"anyOf": [*members, _NULL]}


def _name(expression: ast.expr) -> str:
    match expression:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=ast.Name(), attr=name) if name[0].isupper():
            # What it is of is `typing`, under whatever name that was imported.
            return name
    return ""


def _members(union: ast.expr) -> Iterator[ast.expr]:
    """Yield the members of `A | B | C`, which lie in each other to the left."""
    backwards: list[ast.expr] = []
    while isinstance(union, ast.BinOp) and isinstance(union.op, ast.BitOr):
        backwards.append(union.right)
        union = union.left
    yield union
    yield from reversed(backwards)


def _any_of(members: list[ast.expr], depth: int) -> Schema:
    if len(members) > MEMBERS_MAX:
        raise Unfit(f"a union has at most {MEMBERS_MAX} members")
    schemas: list[Schema] = []
    for member in members:
        schema = schema_of(member, depth + 1)
        if schema not in schemas:
            schemas.append(schema)
    if {} in schemas:
        return {}
    return schemas[0] if len(schemas) == 1 else {"anyOf": schemas}


def _optional(members: list[ast.expr], depth: int) -> Schema:
    if len(members) != 1:
        raise Unfit("Optional takes one type")
    return _any_of([*members, ast.Constant(value=None)], depth)


def _list(members: list[ast.expr], depth: int) -> Schema:
    if len(members) != 1:
        raise Unfit("list takes one type")
    return {"type": "array", "items": schema_of(members[0], depth + 1)}


def _dict(members: list[ast.expr], depth: int) -> Schema:
    if len(members) != 2 or _name(members[0]) != "str":
        raise Unfit("dict takes two types, the first one str")
    return {"type": "object", "additionalProperties": schema_of(members[1], depth + 1)}


def _annotated(members: list[ast.expr], depth: int) -> Schema:
    """Return the schema of a type, with the first text beside it as its description."""
    schema = schema_of(members[0], depth + 1)
    for member in members[1:]:
        if isinstance(member, ast.Constant) and isinstance(member.value, str):
            return {**schema, "description": member.value}
    return schema


def _literals(members: list[ast.expr], depth: int) -> Schema:
    values: list[Any] = []
    for member in members:
        value = _value(member)
        if not any(value == other and type(value) is type(other) for other in values):
            values.append(value)
    return {"enum": values}


def _value(member: ast.expr) -> Any:
    try:
        value = ast.literal_eval(member)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        value = ...
    if isinstance(value, str | bool | None) or (type(value) is int and abs(value) < 2**63):
        return value
    raise Unfit("Literal takes texts, whole numbers, booleans and None")


_GENERIC: Final[Mapping[str, Callable[[list[ast.expr], int], Schema]]] = {
    "list": _list,
    "List": _list,
    "dict": _dict,
    "Dict": _dict,
    "Optional": _optional,
    "Union": _any_of,
    "Literal": _literals,
    "Annotated": _annotated,
}
