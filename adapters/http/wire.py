"""How bodies look on the wire: requests in, entities out."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from functools import cache
from types import UnionType
from typing import Annotated, Any, ClassVar, Self, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta

from orbiter.domain.errors import FieldProblem

Id = Annotated[
    str,
    Meta(
        description="A UUIDv7.",
        examples=["019ad2f1-5b0e-7c2a-9a44-1f0e6a1c9b11"],
        extra_json_schema={"format": "uuid"},
    ),
]
Timestamp = Annotated[
    str,
    Meta(
        description="RFC 3339, UTC, milliseconds.",
        examples=["2026-11-24T09:30:00.123Z"],
        extra_json_schema={"format": "date-time"},
    ),
]
Rule = Callable[[Any], Iterable[FieldProblem]]


class Input(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A request body; unknown keys are refused.

    *rules* are what no type states, by field, and *references* name the kind of thing that a field
    holds the id of. Both are asked too when a body is refused, so that every wrong field is told at
    once. The core asks them of every body.
    """

    rules: ClassVar[Mapping[str, Rule]] = {}
    references: ClassVar[Mapping[str, str]] = {}

    def given(self) -> dict[str, Any]:
        """Return the fields the client sent, and the defaults of a new object's others."""
        pairs = ((name, getattr(self, name)) for name in self.__struct_fields__)
        return {name: value for name, value in pairs if value is not msgspec.UNSET}


class Output(msgspec.Struct, kw_only=True):
    """A response body, copied from an entity by field name."""

    @classmethod
    def of(cls, entity: object, **more: Any) -> Self:
        """Copy the fields this struct shares with *entity*; *more* are those it does not have."""
        copied = {
            name: make(getattr(entity, name)) for name, make in _makers(cls) if name not in more
        }
        return cls(**copied, **more)


@cache
def _makers(cls: type[Output]) -> list[tuple[str, Callable[[Any], Any]]]:
    hints = get_type_hints(cls)
    return [(name, _maker(hints[name])) for name in cls.__struct_fields__]


def _maker(hint: Any) -> Callable[[Any], Any]:
    nested = _nested(hint)
    if nested is None:
        return plain
    if get_origin(hint) is list:
        return lambda values: [nested.of(value) for value in values]
    return lambda value: None if value is None else nested.of(value)


def _nested(hint: Any) -> type[Output] | None:
    if isinstance(hint, type) and get_origin(hint) is None:
        return hint if issubclass(hint, Output) else None
    if get_origin(hint) in (list, Union, UnionType):
        return next(filter(None, map(_nested, get_args(hint))), None)
    return None


def plain(value: Any) -> Any:
    """Return *value* as it is written on the wire."""
    if isinstance(value, datetime):
        return timestamp(value)
    if isinstance(value, Decimal):
        return float(value)
    return value


def timestamp(value: datetime) -> str:
    """Return a UTC time as RFC 3339 with milliseconds and `Z`."""
    return value.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
