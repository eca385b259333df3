"""Searching a column of folded text; what is looked for is the parameter `q`."""

import re
from typing import Final

from sqlalchemy import Column, ColumnElement, bindparam

from orbiter.domain.searching import folded

_SIGN: Final = re.compile(r"[%_\\]")
_ESCAPED: Final = r"\\\g<0>"


def found_in(column: Column[str]) -> ColumnElement[bool]:
    """Return the condition that `q` is a part of the column's text."""
    return column.like(bindparam("q"), escape="\\")


def containing(text: str) -> str:
    """Return the value of `q` for a *text* that is to be found."""
    return f"%{_SIGN.sub(_ESCAPED, folded(text))}%"
