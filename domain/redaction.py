"""Finds texts that must not be shown, however they are written, and hides them."""

import html
import json
import re
from base64 import b64encode
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from os.path import commonprefix
from typing import Any, Final
from urllib.parse import quote, quote_plus

HIDDEN: Final = "***"

_ESCAPED: Final = re.compile("%[0-9A-F]{2}")
_HOST: Final = re.compile("[A-Za-z0-9.-]+")
_SURROGATES: Final = "surrogatepass"
_ENCODED_MIN: Final = 4
_CUT_MIN: Final = 8
_AFTER_CUT: Final = ("", "…", ";", "\n")
# Of a text every eighth piece of so many characters is looked up: what is longer than twice that
# has one of them in it.
_PIECE: Final = 8

_Span = tuple[int, int]


class Redaction:
    """Hides texts in JSON values, in every form that they may be written in.

    What it costs depends on what is looked through, and hardly on how many texts are hidden.
    """

    def __init__(self, hidden: Iterable[str]) -> None:
        self._forms = {form for text in hidden for form in _forms_of(text) if form}
        self._shortest = min(map(len, self._forms), default=0)
        self._short = [form for form in self._forms if len(form) < 2 * _PIECE]
        self._numbers = {form for form in self._forms if form[-1].isdecimal() and form.isascii()}
        self._by_piece: dict[str, list[str]] = defaultdict(list)
        for form in self._forms.difference(self._short):
            for start in range(_PIECE):
                self._by_piece[form[start : start + _PIECE]].append(form)

    def __bool__(self) -> bool:
        return bool(self._forms)

    def of(self, value: Any) -> Any:
        """Return a JSON value with `***` for what is hidden, in keys too."""
        if isinstance(value, str):
            return self._text(value)
        whole: dict[Any, Any] = {}
        # By hand rather than by recursion: what services send nests deeper than Python does.
        left: list[tuple[Any, Any, Any]] = [(whole, None, value)]
        while left:
            holder, at, each = left.pop()
            if isinstance(each, str):
                copy: Any = self._text(each)
            elif isinstance(each, Mapping):
                names = self._names(each)
                copy = dict.fromkeys(names)
                left.extend((copy, *entry) for entry in zip(names, each.values(), strict=True))
            elif isinstance(each, list | tuple):
                copy = [None] * len(each)
                left.extend((copy, index, inner) for index, inner in enumerate(each))
            else:
                copy = HIDDEN if self._numbers and self._is_hidden(each) else each
            holder[at] = copy
        return whole[None]

    def of_cut(self, text: str) -> str:
        """Return a text that was cut before, perhaps within something that is hidden.

        What breaks off is known by its first characters, at the end or where a cut is marked.
        """
        return _without(text, self._forms, _also_cut)

    def _text(self, text: str) -> str:
        if len(text) < self._shortest:
            return text
        found = {form for form in self._short if form in text}
        if self._by_piece:
            for start in range(0, len(text) - _PIECE + 1, _PIECE):
                found.update(self._by_piece.get(text[start : start + _PIECE], ()))
        return _without(text, found, _occurrences) if found else text

    def _names(self, value: Mapping[str, Any]) -> Mapping[str, None]:
        """Return an object's names in their order; those that came to be the same stay apart."""
        names: dict[str, None] = {}
        for key in value:
            name = self._text(key)
            while name in names:
                name += HIDDEN[0]
            names[name] = None
        return names

    def _is_hidden(self, value: Any) -> bool:
        if not isinstance(value, int | float) or isinstance(value, bool):
            return False
        return not self._numbers.isdisjoint(_written(value))


def _without(text: str, forms: Iterable[str], find: Callable[[str, str], Iterator[_Span]]) -> str:
    parts: list[str] = []
    end = 0
    for start, stop in sorted(span for form in forms for span in find(form, text)):
        # Those that overlap, or meet, become one: no rest of the second is left standing.
        if start > end or not parts:
            parts += [text[end:start], HIDDEN]
        end = max(end, stop)
    return "".join([*parts, text[end:]])


def _occurrences(form: str, text: str) -> Iterator[_Span]:
    start = text.find(form)
    while start >= 0:
        yield start, start + len(form)
        start = text.find(form, start + len(form))


def _also_cut(form: str, text: str) -> Iterator[_Span]:
    for start, _ in _occurrences(form[:_CUT_MIN], text):
        end = start + len(commonprefix([form, text[start : start + len(form)]]))
        if end - start == len(form) or text[end : end + 1] in _AFTER_CUT:
            yield start, end


def _written(number: float) -> Iterator[str]:
    with suppress(OverflowError, ValueError):
        # What is infinite or has thousands of digits is nobody's secret.
        yield str(number)
        if number == int(number):
            yield str(int(number))


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
    for before in range(3 if len(value) >= _ENCODED_MIN else 0):
        encoded = b64encode(b"\0" * before + value).decode()
        end = (before + len(value)) * 8 // 6
        inner = encoded[-(-before * 8 // 6) : end]
        yield inner
        yield inner.translate({ord("+"): "-", ord("/"): "_"})
