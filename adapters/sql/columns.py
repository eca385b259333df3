"""Types of columns, the same on every database."""

import json
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_CEILING, Decimal
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import BigInteger, Dialect, LargeBinary, String, Text, TypeDecorator
from sqlalchemy.dialects import postgresql

ID_LENGTH: Final = 36
HASH_LENGTH: Final = 64
INTEGER_MAX: Final = 2**63 - 1

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
_NANO: Final = 10**9
_DOLLARS_MAX: Final = Decimal(INTEGER_MAX // _NANO)

# Compared byte by byte: what a language's rules of sorting would add is time alone.
Id: Final = String(ID_LENGTH).with_variant(
    postgresql.VARCHAR(ID_LENGTH, collation="C"), "postgresql"
)
Hash: Final = String(HASH_LENGTH)


class Instant(TypeDecorator[datetime]):
    """A moment, as milliseconds since 1970: one order and one arithmetic on every database.

    Rounded up, because a bound between two milliseconds leaves the earlier one out.
    """

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """Return the milliseconds."""
        return None if value is None else -((_EPOCH - value) // _MILLISECOND)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        """Return the moment in UTC."""
        return None if value is None else _EPOCH + value * _MILLISECOND


class Money(TypeDecorator[Decimal]):
    """US dollars, as whole billionths; rounded up, as moments are, and at most 9 billion."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> int | None:
        """Return the billionths."""
        if value is None:
            return None
        within = max(-_DOLLARS_MAX, min(value, _DOLLARS_MAX))
        return int((within * _NANO).to_integral_value(ROUND_CEILING))

    def process_result_value(self, value: int | None, dialect: Dialect) -> Decimal | None:
        """Return the dollars."""
        return None if value is None else Decimal(value) / _NANO


class Dumped:
    """A JSON value whose text was made already."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text


class Json(TypeDecorator[Any]):
    """A JSON value or a dataclass, as text that comes back exactly: order, big numbers, NUL."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str:
        """Return the text."""
        return value.text if isinstance(value, Dumped) else dumped(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        """Return the value, without its dataclasses."""
        return None if value is None else json.loads(value)


class Sealed(TypeDecorator[bytes]):
    """What the installation's key has encrypted; `rotation` finds it by this type."""

    impl = LargeBinary
    cache_ok = True


class OneOf(TypeDecorator[StrEnum]):
    """A word of an enumeration."""

    impl = String
    cache_ok = True

    def __init__(self, words: type[StrEnum]) -> None:
        super().__init__(max(len(word) for word in words))
        self.words = words

    def process_bind_param(self, value: StrEnum | None, dialect: Dialect) -> str | None:
        """Return the plain word."""
        return None if value is None else value.value

    def process_result_value(self, value: str | None, dialect: Dialect) -> StrEnum | None:
        """Return the member."""
        return None if value is None else self.words(value)


def dumped(value: Any) -> str:
    """Return *value* as JSON that can be stored as UTF-8."""
    text = _PLAIN.encode(value)
    # Half a surrogate pair is no UTF-8; escaped, it comes back all the same.
    return text if storable(text) else json.dumps(value, default=_members)


def storable(text: str) -> bool:
    """Say whether a database keeps *text*: neither NUL nor half a surrogate pair in it."""
    if "\0" in text:
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _members(value: Any) -> Any:
    if is_dataclass(value):
        return {each.name: getattr(value, each.name) for each in fields(value)}
    raise TypeError(f"{type(value).__name__} is not JSON")


# Made once: `json.dumps` makes one for each value.
_PLAIN: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=_members)
