"""Secrets: values that templates may use and nobody may read again."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final, TypedDict, Unpack

from orbiter.domain.checks import require, text_problems
from orbiter.domain.errors import FieldProblem
from orbiter.domain.redaction import Redaction

NAME_PATTERN: Final = "^[A-Z][A-Z0-9_]{0,63}$"
NAME_MAX: Final = 64
VALUE_MIN: Final = 4
VALUE_MAX: Final = 8192
PER_WORKSPACE_MAX: Final = 500

_NAME: Final = re.compile(NAME_PATTERN.removesuffix("$"))
_TOO_SHORT: Final = (
    f"String should have at least {VALUE_MIN} characters around which there is no space: "
    "a shorter secret would be hidden wherever its letters stand"
)


class SecretChanges(TypedDict, total=False):
    """Fields that may be revised; an absent key means leave it alone."""

    name: str
    sealed_value: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """A named value, sealed: a project's own, or the workspace's where *project_id* is None."""

    id: str
    workspace_id: str
    project_id: str | None = None
    name: str
    sealed_value: bytes = field(repr=False)
    created_by: str
    created_at: datetime
    updated_at: datetime

    def __post_init__(self) -> None:
        require(name_problems(self.name))

    def revise(self, *, at: datetime, **changes: Unpack[SecretChanges]) -> "Secret":
        """Return the secret with *changes* applied."""
        return replace(self, updated_at=at, **changes)


def name_problems(name: str | None) -> Iterator[FieldProblem]:
    """Yield what is wrong with the name of a secret, if one is given."""
    if name is not None and not _NAME.fullmatch(name):
        message = f"String should match pattern '{NAME_PATTERN}'"
        yield FieldProblem("name", message, "string_pattern_mismatch")


def value_problems(value: str | None) -> Iterator[FieldProblem]:
    """Yield what is wrong with the value of a secret, if one is given, without quoting it."""
    if value is None:
        return
    if len(value.strip()) < VALUE_MIN:
        yield FieldProblem("value", _TOO_SHORT, "string_too_short")
    yield from text_problems("value", value, maximum=VALUE_MAX)
    if any("\ud800" <= character <= "\udfff" for character in value):
        yield FieldProblem("value", "String should be valid Unicode")


@dataclass(frozen=True, slots=True)
class SecretValues:
    """The secrets a run or tool may use: *values* by name, which never leave the core.

    `redacted` must be applied to whatever does: traces, logs, errors, exports. A text that is cut
    must be redacted first: half a secret is not recognised.
    """

    values: Mapping[str, str] = field(default_factory=dict, repr=False)
    _redaction: Redaction = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_redaction", Redaction(self.values.values()))

    def redacted(self, value: Any) -> Any:
        """Return a JSON value with every secret in it, in keys too, shown as `***`.

        A secret is recognised as it is, without the space around it, and as URLs, JSON, HTML,
        Python, header fields and base64 write it, there also amid other text; and as a number,
        where it is one. Keys that would be the same have more asterisks.
        """
        return self._redaction.of(value) if self._redaction else value

    def are_in(self, text: str) -> bool:
        """Say whether a text has a secret in it."""
        return bool(self.redacted(text) != text)

    def told(self, text: str) -> str:
        """Return a text redacted that was cut before, perhaps within a secret.

        What breaks off is recognised by its first characters, at the end or where a cut is marked.
        """
        return self._redaction.of_cut(text) if self._redaction else text


NO_SECRETS: Final = SecretValues()
