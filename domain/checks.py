"""Rules many entities share, told in Pydantic v2's words."""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from orbiter.domain.errors import FieldProblem, Invalid

NAME_MAX: Final = 255
DESCRIPTION_MAX: Final = 5000
_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def text_problems(
    field: str, value: str | None, *, minimum: int = 0, maximum: int
) -> Iterator[FieldProblem]:
    """Yield what is wrong with *value*: its length in characters, or a NUL no database keeps."""
    if value is None:
        return
    if "\0" in value:
        yield FieldProblem(field, "String should not contain NUL characters", "value_error")
    if len(value) < minimum:
        yield FieldProblem(
            field, f"String should have at least {counted(minimum)}", "string_too_short"
        )
    if len(value) > maximum:
        yield FieldProblem(
            field, f"String should have at most {counted(maximum)}", "string_too_long"
        )


def naming_problems(name: str | None, description: str | None) -> Iterator[FieldProblem]:
    """Yield what is wrong with what a thing is called and described as, as far as it is given."""
    yield from text_problems("name", name, minimum=1, maximum=NAME_MAX)
    yield from text_problems("description", description, maximum=DESCRIPTION_MAX)


def number_problems(
    field: str, value: float, *, minimum: float, maximum: float
) -> Iterator[FieldProblem]:
    """Yield what is wrong with *value*; what is no number at all is out of every range."""
    if not value >= minimum:
        message = f"Input should be greater than or equal to {minimum:g}"
        yield FieldProblem(field, message, "greater_than_equal")
    elif value > maximum:
        message = f"Input should be less than or equal to {maximum:g}"
        yield FieldProblem(field, message, "less_than_equal")


def counted(number: int, noun: str = "character") -> str:
    """Return `1 character`, `2 characters`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def require(*problems: Iterable[FieldProblem]) -> None:
    """Raise Invalid with all the problems, if there are any."""
    found = [problem for source in problems for problem in source]
    if found:
        raise Invalid(found)


def is_id(text: str) -> bool:
    """Say whether *text* is a UUID as canonical text; nothing else names a row."""
    return _ID.fullmatch(text) is not None
