"""What is fed to the sandbox: the user's code, and lines behind it that tell its result as JSON."""

import ast
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from orbiter.domain.code import parsed

RESULT: Final = "__result__"
ARGUMENTS: Final = "__arguments__"
_TOLD: Final = (
    f"import json as __json__\n__json__.dumps({RESULT}, allow_nan=False, ensure_ascii=False)"
)


@dataclass(frozen=True, slots=True)
class Source:
    """*text* to be fed, of which the first *lines* are the user's and the *last* tells the result.

    It reads what `RESULT` is at first, and `ARGUMENTS` if it calls a function.
    """

    text: str
    lines: int

    @property
    def last(self) -> int:
        """Return the number of the line that tells the result."""
        return self.text.count("\n") + 1


@lru_cache(maxsize=256)
def script(code: str) -> Source:
    """Return *code* with the value of its last expression told; raise UnreadableCode."""
    code = _with_plain_ends(code)
    body = parsed(code).body
    lines = code.split("\n")
    if body and isinstance(last := body[-1], ast.Expr):
        line = lines[last.lineno - 1].encode()
        kept = line[: last.col_offset] + f"{RESULT} = ".encode() + line[last.col_offset :]
        lines[last.lineno - 1] = kept.decode()
    return Source("\n".join((*lines, _TOLD)), len(lines))


@lru_cache(maxsize=256)
def call(code: str, function: str) -> Source:
    """Return *code* with a call of its *function*, whose value is told; raise UnreadableCode."""
    if not function.isidentifier():
        raise ValueError(f"{function!r} is no name")
    code = _with_plain_ends(code)
    parsed(code)
    return Source(f"{code}\n{RESULT} = {function}(**{ARGUMENTS})\n{_TOLD}", code.count("\n") + 1)


def only_read(code: str) -> Source:
    """Return *code* behind a line that raises StopIteration, so that it is read but never run."""
    return Source(f"raise StopIteration\n{_with_plain_ends(code)}", 1)


def _with_plain_ends(code: str) -> str:
    return code.replace("\r\n", "\n").replace("\r", "\n")
