"""Searching texts: case does not count, and JSON is searched by the texts and numbers in it."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

LOOKED_THROUGH: Final = 256 * 1024


def folded(text: str) -> str:
    """Return the form under which texts are compared; it has no NUL and is always UTF-8."""
    return text.casefold().replace("\0", "\ufffd").encode(errors="replace").decode()


def searchable(*values: Any) -> str:
    """Return what can be found in JSON *values*, folded: keys, texts and numbers, a line each.

    Of each value it is the first LOOKED_THROUGH characters.
    """
    return folded("\n".join(text for value in values for text in _first(value)))


def _first(value: Any) -> Iterator[str]:
    left = LOOKED_THROUGH
    for text in _texts(value):
        yield text[:left]
        left -= len(text) + 1
        if left <= 0:
            return


def _texts(whole: Any) -> Iterator[str]:
    # By a stack of its own: values may be nested deeper than Python calls.
    waiting = [whole]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, Mapping):
            waiting += reversed((*value.keys(), *value.values()))
        elif isinstance(value, list | tuple):
            waiting += reversed(value)
        elif value is not None:
            yield str(value)
