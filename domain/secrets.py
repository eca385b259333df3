"""Secrets: values that templates may use and nobody may read again."""

import html
import json
import re
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import takewhile
from os.path import commonprefix
from typing import Any, Final, TypedDict, Unpack
from urllib.parse import quote, quote_plus

from orbiter.domain.checks import require, text_problems
from orbiter.domain.errors import FieldProblem

NAME_PATTERN: Final = "^[A-Z][A-Z0-9_]{0,63}$"
NAME_MAX: Final = 64
VALUE_MIN: Final = 4
VALUE_MAX: Final = 8192
PER_WORKSPACE_MAX: Final = 500
HIDDEN: Final = "***"

_NAME: Final = re.compile(NAME_PATTERN.removesuffix("$"))
_TOO_SHORT: Final = (
    f"String should have at least {VALUE_MIN} characters around which there is no space: "
    "a shorter secret would be hidden wherever its letters stand"
)
_ESCAPED: Final = re.compile("%[0-9A-F]{2}")
_HOST: Final = re.compile("[A-Za-z0-9.-]+")
_SURROGATES: Final = "surrogatepass"
_CUT_MIN: Final = 8
_AFTER_CUT: Final = ("", "…", ";", "\n")

# The shortest come first: most texts are shorter than most secrets.
_Forms = Mapping[str, None]
_Find = Callable[[str, str], Iterator[tuple[int, int]]]


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
    _forms: _Forms = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        forms = {form for value in self.values.values() for form in _forms_of(value) if form}
        object.__setattr__(self, "_forms", dict.fromkeys(sorted(forms, key=len)))

    def redacted(self, value: Any) -> Any:
        """Return a JSON value with every secret in it, in keys too, shown as `***`.

        A secret is recognised as it is, without the space around it, and as URLs, JSON, HTML,
        Python, header fields and base64 write it, there also amid other text; and as a number,
        where it is one. Keys that would be the same have more asterisks.
        """
        return _redacted(value, self._forms) if self._forms else value

    def told(self, text: str) -> str:
        """Return a text redacted that was cut before, perhaps within a secret.

        What breaks off is recognised by its first characters, at the end or where a cut is marked.
        """
        return _hidden(text, self._forms, _also_cut) if self._forms else text


NO_SECRETS: Final = SecretValues()


def _forms_of(value: str) -> Iterator[str]:
    for text in {value, value.strip()}:
        yield text
        yield from _in_urls(text)
        yield json.dumps(text)[1:-1]
        yield json.dumps(text, ensure_ascii=False)[1:-1]
        yield json.dumps(text)[1:-1].replace("/", "\\/")
        yield repr(text)[1:-1]
        yield html.escape(text)
        yield html.escape(text, quote=False)
        if _HOST.fullmatch(text):
            yield text.lower()
        encoded = text.encode(errors=_SURROGATES)
        # As header fields are often read.
        yield encoded.decode("latin-1")
        yield from _in_base64(encoded)


def _in_urls(text: str) -> Iterator[str]:
    for encoded in (
        quote(text, safe="", errors=_SURROGATES),
        quote(text, errors=_SURROGATES),
        quote_plus(text, errors=_SURROGATES),
    ):
        yield encoded
        yield _ESCAPED.sub(lambda escape: escape[0].lower(), encoded)


def _in_base64(value: bytes) -> Iterator[str]:
    """Yield what base64 makes of *value* behind 0, 1 or 2 other bytes.

    Of its first and last characters those are left out that other bytes have a part in: at most
    four of the value's bits are in either. What is left of a short value may stand anywhere.
    """
    for before in range(3 if len(value) >= VALUE_MIN else 0):
        encoded = b64encode(b"\0" * before + value).decode()
        end = (before + len(value)) * 8 // 6
        inner = encoded[-(-before * 8 // 6) : end]
        yield inner
        yield inner.translate({ord("+"): "-", ord("/"): "_"})


def _redacted(value: Any, forms: _Forms) -> Any:
    whole: dict[Any, Any] = {}
    # By hand rather than by recursion: what services send nests deeper than Python does.
    left: list[tuple[Any, Any, Any]] = [(whole, None, value)]
    while left:
        holder, at, each = left.pop()
        if isinstance(each, Mapping):
            names = _names(each, forms)
            copy: Any = dict.fromkeys(names)
            left.extend((copy, *entry) for entry in zip(names, each.values(), strict=True))
        elif isinstance(each, list | tuple):
            copy = [None] * len(each)
            left.extend((copy, index, inner) for index, inner in enumerate(each))
        else:
            copy = _leaf(each, forms)
        holder[at] = copy
    return whole[None]


def _names(value: Mapping[str, Any], forms: _Forms) -> Mapping[str, None]:
    """Return the names of an object in their order; those that came to be the same stay apart."""
    names: dict[str, None] = {}
    for key in value:
        name = _hidden(key, forms)
        while name in names:
            name += HIDDEN[0]
        names[name] = None
    return names


def _leaf(value: Any, forms: _Forms) -> Any:
    if isinstance(value, str):
        return _hidden(value, forms)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value if forms.keys().isdisjoint(_digits(value)) else HIDDEN
    return value


def _digits(number: float) -> Iterator[str]:
    with suppress(OverflowError, ValueError):
        # What is infinite or has thousands of digits is no secret.
        yield str(number)
        if number == int(number):
            yield str(int(number))


def _hidden(text: str, forms: _Forms, find: _Find | None = None) -> str:
    possible = forms if find else takewhile(lambda form: len(form) <= len(text), forms)
    spans = sorted(span for form in possible for span in (find or _occurrences)(form, text))
    parts: list[str] = []
    end = 0
    for start, stop in spans:
        # Those that overlap, or meet, become one: no rest of the second is left standing.
        if start > end or not parts:
            parts += [text[end:start], HIDDEN]
        end = max(end, stop)
    return "".join([*parts, text[end:]])


def _occurrences(form: str, text: str) -> Iterator[tuple[int, int]]:
    start = text.find(form)
    while start >= 0:
        yield start, start + len(form)
        start = text.find(form, start + len(form))


def _also_cut(form: str, text: str) -> Iterator[tuple[int, int]]:
    for start, _ in _occurrences(form[:_CUT_MIN], text):
        end = start + len(commonprefix([form, text[start : start + len(form)]]))
        if end - start == len(form) or text[end : end + 1] in _AFTER_CUT:
            yield start, end
