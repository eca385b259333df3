"""Searching texts: case does not count, and JSON is searched by the texts and numbers in it."""

from collections.abc import Iterator, Mapping
from typing import Any


def folded(text: str) -> str:
    """Return the form under which texts are compared; it has no NUL and is always UTF-8."""
    return text.casefold().replace("\0", "\ufffd").encode(errors="replace").decode()


def searchable(*values: Any) -> str:
    """Return what can be found in JSON *values*, folded: keys, texts and numbers, a line each."""
    return folded("\n".join(_texts(list(values))))


def _texts(waiting: list[Any]) -> Iterator[str]:
    # By a stack of its own: values may be nested deeper than Python calls.
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, Mapping):
            waiting += (*value.keys(), *value.values())
        elif isinstance(value, list | tuple):
            waiting += value
        elif value is not None:
            yield str(value)
