"""YAML as JSON values, built event by event: PyYAML's own builders recurse, and expand aliases."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import yaml
from yaml import events

# In characters, aliases written out.
WEIGHT_MAX: Final = 4 * 1024 * 1024

_TAGS: Final = "tag:yaml.org,2002:"
_PLAIN_TAGS: Final = frozenset(_TAGS + kind for kind in ("bool", "float", "int", "null"))
_NULLS: Final = frozenset(("", "~", "null", "Null", "NULL"))
_BOOLEANS: Final = {
    word: word.lower() == "true" for word in ("true", "True", "TRUE", "false", "False", "FALSE")
}
_INTEGER: Final = re.compile(r"[-+]?(0|[1-9][0-9]{0,29})")
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?")


class YamlError(ValueError):
    """The text is no YAML, or none that says what JSON could say."""


def yaml_value(text: str, *, depth: int) -> Any:
    """Return the one document that *text* holds, nested to *depth* at most; raise YamlError.

    Scalars are those of YAML 1.2: `on` and `2026-01-01` are texts. Keys are texts.
    """
    builder = _Builder(depth)
    try:
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            builder.take(event)
    except yaml.YAMLError as error:
        raise YamlError(_told(error)) from None
    return builder.document.value[0] if builder.document.value else None


@dataclass(slots=True)
class _Collection:
    """A list or an object that is being filled."""

    value: Any
    anchor: str | None = None
    key: str | None = None
    weight: int = 1


@dataclass(slots=True)
class _Builder:
    depth: int
    document: _Collection = field(default_factory=lambda: _Collection([]))
    open: list[_Collection] = field(default_factory=list)
    anchors: dict[str, tuple[Any, int]] = field(default_factory=dict)

    def take(self, event: yaml.Event) -> None:
        match event:
            case events.DocumentStartEvent():
                if self.document.value:
                    raise YamlError("There should be one document, not several")
            case events.MappingStartEvent():
                self._begin(_Collection({}, event.anchor), event.tag)
            case events.SequenceStartEvent():
                self._begin(_Collection([], event.anchor), event.tag)
            case events.CollectionEndEvent():
                done = self.open.pop()
                self._add(done.value, done.weight, done.anchor)
            case events.AliasEvent():
                if event.anchor not in self.anchors:
                    raise YamlError(f"The alias *{event.anchor} stands for nothing before it")
                self._add(*self.anchors[event.anchor], None)
            case events.ScalarEvent():
                self._scalar(event)

    def _begin(self, collection: _Collection, tag: str | None) -> None:
        if tag not in (None, "!", f"{_TAGS}map", f"{_TAGS}seq"):
            raise YamlError(f"The tag {tag} is not known")
        if self.open and isinstance(self._top.value, dict) and self._top.key is None:
            raise YamlError("A key should be a text")
        if len(self.open) >= self.depth:
            raise YamlError(f"It is nested deeper than {self.depth} levels")
        self.open.append(collection)

    def _scalar(self, event: events.ScalarEvent) -> None:
        top = self._top
        if isinstance(top.value, dict) and top.key is None:
            if event.value == "<<" and event.implicit[0]:
                raise YamlError("Keys << that merge objects are not supported")
            top.key = event.value
            top.weight += len(event.value)
            return
        self._add(_scalar_value(event), 1 + len(event.value), event.anchor)

    def _add(self, value: Any, weight: int, anchor: str | None) -> None:
        top = self._top
        top.weight += weight
        if top.weight > WEIGHT_MAX:
            raise YamlError("Its aliases make it too large")
        if anchor is not None:
            self.anchors[anchor] = (value, weight)
        if isinstance(top.value, list):
            top.value.append(value)
        elif top.key is None:
            raise YamlError("A key should be a text")
        else:
            top.value[top.key], top.key = value, None

    @property
    def _top(self) -> _Collection:
        return self.open[-1] if self.open else self.document


def _scalar_value(event: events.ScalarEvent) -> Any:
    is_plain = event.implicit[0] if event.tag is None else event.tag in _PLAIN_TAGS
    if not is_plain and event.tag not in (None, "!", f"{_TAGS}str"):
        raise YamlError(f"The tag {event.tag} is not known")
    return next(_meant(event.value), event.value) if is_plain else event.value


def _meant(text: str) -> Iterator[Any]:
    """Yield what a plain scalar means, unless that is the text itself."""
    if text in _NULLS:
        yield None
    elif text in _BOOLEANS:
        yield _BOOLEANS[text]
    elif _INTEGER.fullmatch(text):
        yield int(text)
    elif _FLOAT.fullmatch(text) and math.isfinite(number := float(text)):
        yield number


def _told(error: yaml.YAMLError) -> str:
    problem = getattr(error, "problem", None) or "it can't be read"
    mark = getattr(error, "problem_mark", None)
    return problem if mark is None else f"{problem}, line {mark.line + 1}"
