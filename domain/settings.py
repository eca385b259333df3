"""A small language for what a node may be set to; problems are told in Pydantic v2's words."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from orbiter.domain.errors import FieldProblem


class Setting(Protocol):
    """The type of one value in a node's `config`."""

    def problems(self, field: str, value: object) -> Iterator[FieldProblem]:
        """Yield what is wrong with *value*, found at *field*."""
        ...


@dataclass(frozen=True, slots=True)
class Anything:
    """Any JSON value; texts in it, however deep, are templates."""

    def problems(self, field: str, value: object) -> Iterator[FieldProblem]:
        yield from ()


@dataclass(frozen=True, slots=True)
class Text:
    """A string: a template, or a bare expression, or neither where the setting says so."""

    expression: bool = False
    verbatim: bool = False

    def problems(self, field: str, value: object) -> Iterator[FieldProblem]:
        if not isinstance(value, str):
            yield FieldProblem(field, "Input should be a valid string", "string_type")


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few words."""

    words: tuple[str, ...]

    def problems(self, field: str, value: object) -> Iterator[FieldProblem]:
        if value not in self.words:
            *most, last = (f"'{word}'" for word in self.words)
            yield FieldProblem(field, f"Input should be {', '.join(most)} or {last}", "enum")


@dataclass(frozen=True, slots=True)
class Number:
    """A number within bounds; *template* lets a text stand for it."""

    minimum: float
    maximum: float
    whole: bool = False
    template: bool = False

    def problems(self, field: str, value: object) -> Iterator[FieldProblem]:
        if self.template and isinstance(value, str):
            return
        if isinstance(value, bool) or not isinstance(value, int if self.whole else int | float):
            words = ("integer", "int_type") if self.whole else ("number", "float_type")
            yield FieldProblem(field, f"Input should be a valid {words[0]}", words[1])
        elif value < self.minimum:
            message = f"Input should be greater than or equal to {self.minimum:g}"
            yield FieldProblem(field, message, "greater_than_equal")
        elif value > self.maximum:
            message = f"Input should be less than or equal to {self.maximum:g}"
            yield FieldProblem(field, message, "less_than_equal")


@dataclass(frozen=True, slots=True)
class Object:
    """A JSON object with whatever keys; *values* is the type of each value."""

    values: Setting = Anything()

    def problems(self, field: str, value: object) -> Iterator[FieldProblem]:
        if not isinstance(value, Mapping):
            yield FieldProblem(field, "Input should be a valid dictionary", "dict_type")
            return
        for key, item in value.items():
            yield from self.values.problems(f"{field}.{key}", item)


@dataclass(frozen=True, slots=True)
class ListOf:
    """A JSON array of one type."""

    items: Setting

    def problems(self, field: str, value: object) -> Iterator[FieldProblem]:
        if not isinstance(value, list | tuple):
            yield FieldProblem(field, "Input should be a valid list", "list_type")
            return
        for index, item in enumerate(value):
            yield from self.items.problems(f"{field}.{index}", item)


@dataclass(frozen=True, slots=True)
class TextOr:
    """A string as *text* says, or what *otherwise* says."""

    otherwise: Setting
    text: Setting = Text()

    def problems(self, field: str, value: object) -> Iterator[FieldProblem]:
        setting = self.text if isinstance(value, str) else self.otherwise
        yield from setting.problems(field, value)


@dataclass(frozen=True, slots=True)
class Flag:
    """True or false."""

    def problems(self, field: str, value: object) -> Iterator[FieldProblem]:
        if not isinstance(value, bool):
            yield FieldProblem(field, "Input should be a valid boolean", "bool_type")


@dataclass(frozen=True, slots=True)
class Shape:
    """A JSON object with these keys and no others; *required* ones must be there."""

    settings: Mapping[str, Setting]
    required: frozenset[str] = frozenset()

    def problems(self, field: str, value: object) -> Iterator[FieldProblem]:
        if not isinstance(value, Mapping):
            yield FieldProblem(field, "Input should be a valid dictionary", "dict_type")
            return
        for missing in sorted(self.required - value.keys()):
            yield FieldProblem(f"{field}.{missing}", "Field required", "missing")
        for key, item in value.items():
            if key not in self.settings:
                yield FieldProblem(
                    f"{field}.{key}", "Extra inputs are not permitted", "extra_forbidden"
                )
            elif item is not None or key in self.required:
                yield from self.settings[key].problems(f"{field}.{key}", item)
