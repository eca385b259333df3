"""Finds texts that must not be shown, however they are written, and hides them."""

import html
import json
import re
from base64 import b64encode
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import chain
from typing import Any, Final
from urllib.parse import quote, quote_plus

from orbiter.domain.occurrences import Effort, Occurrences, Span, TooMuchEffort

HIDDEN: Final = "***"

_ESCAPED: Final = re.compile("%[0-9A-F]{2}")
_HOST: Final = re.compile("[A-Za-z0-9.-]+")
_SURROGATES: Final = "surrogatepass"
_ENCODED_MIN: Final = 4
# What tells a text from others when it is cut; that it begins like a URL does not.
_BEGINNING: Final = re.compile("(?:[a-z]+://)?.{8}", re.DOTALL)
_CUT: Final = re.compile("[…;\n]")
_COMPARISONS_MAX: Final = 1_000_000


class Redaction:
    """Hides texts in JSON values, in every form that they may be written in.

    What it costs depends on what is looked through, and hardly on how many texts are hidden. Where
    so many of them nearly occur that it would cost too much, a text is hidden as a whole, and where
    they do in keys, the value.
    """

    def __init__(self, hidden: Iterable[str]) -> None:
        forms = {form for text in hidden for form in _forms_of(text) if form}
        self._forms = Occurrences(forms)
        self._shortest = min(map(len, forms), default=0)
        self._numbers = {form for form in forms if form[-1].isdecimal() and form.isascii()}
        self._begun: dict[str, list[str]] = defaultdict(list)
        for form in forms:
            if beginning := _BEGINNING.match(form):
                self._begun[beginning[0]].append(form)
        self._beginnings = Occurrences(self._begun)

    def __bool__(self) -> bool:
        return self._shortest > 0

    def of(self, value: Any) -> Any:
        """Return a JSON value with `***` for what is hidden, in keys too."""
        try:
            return self._of(value, Effort(_COMPARISONS_MAX))
        except TooMuchEffort:
            # Keys can't be hidden as a whole: too many would be the same.
            return HIDDEN

    def of_cut(self, text: str) -> str:
        """Return a text that was cut before, perhaps within something that is hidden.

        What breaks off is known by its first characters, at the end or where a cut is marked.
        """
        effort = Effort(_COMPARISONS_MAX)
        try:
            return _without(text, chain(self._forms.within(text, effort), self._cut(text, effort)))
        except TooMuchEffort:
            return HIDDEN

    def _of(self, value: Any, effort: Effort) -> Any:
        whole: dict[Any, Any] = {}
        # By hand rather than by recursion: what services send nests deeper than Python does.
        left: list[tuple[Any, Any, Any]] = [(whole, None, value)]
        while left:
            holder, at, each = left.pop()
            if isinstance(each, str):
                copy: Any = self._text(each, effort)
            elif isinstance(each, Mapping):
                names = self._names(each, effort)
                copy = dict.fromkeys(names)
                left.extend((copy, *entry) for entry in zip(names, each.values(), strict=True))
            elif isinstance(each, list | tuple):
                copy = [None] * len(each)
                left.extend((copy, index, inner) for index, inner in enumerate(each))
            else:
                copy = HIDDEN if self._numbers and self._is_hidden(each) else each
            holder[at] = copy
        return whole[None]

    def _text(self, text: str, effort: Effort) -> str:
        try:
            return self._name(text, effort)
        except TooMuchEffort:
            return HIDDEN

    def _name(self, text: str, effort: Effort) -> str:
        if len(text) < self._shortest:
            return text
        return _without(text, self._forms.within(text, effort))

    def _cut(self, text: str, effort: Effort) -> Iterator[Span]:
        cuts = [*(cut.start() for cut in _CUT.finditer(text)), len(text)]
        for start, begun in self._beginnings.within(text, effort):
            first = bisect_left(cuts, begun)
            for form in self._begun[text[start:begun]]:
                for at in range(first, len(cuts)):
                    effort.spend()
                    if not form.startswith(text[start : cuts[at]]):
                        break
                    yield start, cuts[at]

    def _names(self, value: Mapping[str, Any], effort: Effort) -> Mapping[str, None]:
        """Return an object's names in their order; those that came to be the same stay apart."""
        names: dict[str, None] = {}
        for key in value:
            name = self._name(key, effort)
            while name in names:
                effort.spend()
                name += HIDDEN[0]
            names[name] = None
        return names

    def _is_hidden(self, value: Any) -> bool:
        if not isinstance(value, int | float) or isinstance(value, bool):
            return False
        return not self._numbers.isdisjoint(_written(value))


def _without(text: str, hidden: Iterable[Span]) -> str:
    parts: list[str] = []
    end = 0
    for start, stop in sorted(hidden):
        # Those that overlap, or meet, become one: no rest of the second is left standing.
        if start > end or not parts:
            parts += [text[end:start], HIDDEN]
        end = max(end, stop)
    return "".join([*parts, text[end:]]) if parts else text


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
