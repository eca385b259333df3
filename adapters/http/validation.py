"""Every wrong field of a body at once, in Pydantic v2's words; only ever asked of a bad body."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cache
from itertools import islice
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, inspect

from orbiter.adapters.http.wire import Input
from orbiter.domain.checks import counted
from orbiter.domain.errors import FieldProblem

BODY: Final = "body"
# More than anybody reads; a small body must not make for a large answer.
PROBLEMS_MAX: Final = 1000
AWARE: Final = Annotated[datetime, Meta(tz=True)]


def problems_of(body: Any, kind: type) -> list[FieldProblem]:
    """Return what is wrong with *body*, decoded JSON, as an instance of *kind*; 1000 at most."""
    return list(islice(_walk(body, _type_of(kind), ""), PROBLEMS_MAX))


@cache
def _type_of(kind: type) -> inspect.Type:
    return inspect.type_info(kind)


def _walk(value: Any, kind: inspect.Type, at: str) -> Iterator[FieldProblem]:
    match kind:
        case inspect.Metadata():
            yield from _walk(value, kind.type, at)
        case inspect.UnionType():
            yield from _union(value, kind, at)
        case inspect.StructType():
            yield from _struct(value, kind, at)
        case inspect.StrType():
            yield from _string(value, kind, at)
        case inspect.IntType() | inspect.FloatType():
            yield from _number(value, kind, at)
        case inspect.ListType() | inspect.VarTupleType():
            yield from _list(value, kind, at)
        case inspect.DictType():
            yield from _dict(value, kind, at)
        case inspect.EnumType() | inspect.LiteralType():
            yield from _choice(value, kind, at)
        case inspect.BoolType():
            if not isinstance(value, bool):
                yield _problem(at, "Input should be a valid boolean", "bool_type")
        case inspect.DateTimeType():
            yield from _datetime(value, at)


def _union(value: Any, kind: inspect.UnionType, at: str) -> Iterator[FieldProblem]:
    others = [
        each
        for each in kind.types
        if not isinstance(each, inspect.NoneType) and not _is_unset(each)
    ]
    if value is None and any(isinstance(each, inspect.NoneType) for each in kind.types):
        return
    found = [list(_walk(value, each, at)) for each in others]
    if all(found):
        # What is wrong inside of an object tells more than that it is none of the others.
        inside = (problems for problems in found if all(each.field != at for each in problems))
        yield from next(inside, found[0])


def _is_unset(kind: inspect.Type) -> bool:
    return isinstance(kind, inspect.CustomType) and kind.cls is msgspec.UnsetType


def _struct(value: Any, kind: inspect.StructType, at: str) -> Iterator[FieldProblem]:
    if not isinstance(value, Mapping):
        yield _problem(at, "Input should be a valid dictionary or object", "model_type")
        return
    fields = {field.encode_name: field for field in kind.fields}
    rules = kind.cls.rules if issubclass(kind.cls, Input) else {}
    for name, field in fields.items():
        if name in value:
            problems = list(_walk(value[name], field.type, _under(at, name)))
            yield from problems
            # A rule is asked of an object also when something inside of it is wrong.
            wrong = any(each.field == _under(at, name) for each in problems)
            if name in rules and value[name] is not None and not wrong:
                yield from (each.under(at) if at else each for each in rules[name](value[name]))
        elif field.required:
            yield _problem(_under(at, name), "Field required", "missing")
    for name in value:
        if name not in fields:
            yield _problem(_under(at, name), "Extra inputs are not permitted", "extra_forbidden")


def _string(value: Any, kind: inspect.StrType, at: str) -> Iterator[FieldProblem]:
    if not isinstance(value, str):
        yield _problem(at, "Input should be a valid string", "string_type")
    elif kind.min_length is not None and len(value) < kind.min_length:
        message = f"String should have at least {counted(kind.min_length)}"
        yield _problem(at, message, "string_too_short")
    elif kind.max_length is not None and len(value) > kind.max_length:
        message = f"String should have at most {counted(kind.max_length)}"
        yield _problem(at, message, "string_too_long")


def _number(
    value: Any, kind: inspect.IntType | inspect.FloatType, at: str
) -> Iterator[FieldProblem]:
    whole = isinstance(kind, inspect.IntType)
    if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
        words = ("integer", "int_type") if whole else ("number", "float_type")
        yield _problem(at, f"Input should be a valid {words[0]}", words[1])
    elif kind.ge is not None and value < kind.ge:
        message = f"Input should be greater than or equal to {kind.ge:g}"
        yield _problem(at, message, "greater_than_equal")
    elif kind.le is not None and value > kind.le:
        message = f"Input should be less than or equal to {kind.le:g}"
        yield _problem(at, message, "less_than_equal")


def _list(
    value: Any, kind: inspect.ListType | inspect.VarTupleType, at: str
) -> Iterator[FieldProblem]:
    if not isinstance(value, list):
        yield _problem(at, "Input should be a valid list", "list_type")
        return
    length, least, most = len(value), kind.min_length, kind.max_length
    if least is not None and length < least:
        message = f"List should have at least {counted(least, 'item')} after validation"
        yield _problem(at, f"{message}, not {length}", "too_short")
    if most is not None and length > most:
        message = f"List should have at most {counted(most, 'item')} after validation"
        yield _problem(at, f"{message}, not {length}", "too_long")
        return
    for index, item in enumerate(value):
        yield from _walk(item, kind.item_type, _under(at, str(index)))


def _dict(value: Any, kind: inspect.DictType, at: str) -> Iterator[FieldProblem]:
    if not isinstance(value, Mapping):
        yield _problem(at, "Input should be a valid dictionary", "dict_type")
        return
    for name, item in value.items():
        yield from _walk(item, kind.value_type, _under(at, name))


def _choice(
    value: Any, kind: inspect.EnumType | inspect.LiteralType, at: str
) -> Iterator[FieldProblem]:
    values = (
        [each.value for each in kind.cls] if isinstance(kind, inspect.EnumType) else kind.values
    )
    if value not in values:
        *most, last = (f"'{each}'" for each in values)
        words = f"{', '.join(most)} or {last}" if most else last
        yield _problem(at, f"Input should be {words}", "enum")


def _datetime(value: Any, at: str) -> Iterator[FieldProblem]:
    try:
        msgspec.convert(value, AWARE)
    except msgspec.ValidationError:
        message = "Input should be a valid datetime with a timezone (RFC 3339)"
        yield _problem(at, message, "datetime_parsing")


def _problem(at: str, message: str, type: str) -> FieldProblem:
    return FieldProblem(at or BODY, message, type)


def _under(at: str, name: str) -> str:
    return f"{at}.{name}" if at else name
