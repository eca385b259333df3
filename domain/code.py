"""Python that users write, read without running any of it."""

import ast
import warnings
from functools import lru_cache
from typing import Final

# Reading holds up the whole process, and takes about 1 ms for each KiB at worst.
CODE_MAX: Final = 32 * 1024
MAIN: Final = "main"

_TAKES_ONE: Final = f"`{MAIN}` takes one argument: def {MAIN}(inputs)"


class UnreadableCode(Exception):
    """Code that is no Python, or not of the shape it must have; *line* counts from 1."""

    def __init__(self, reason: str, line: int | None = None) -> None:
        self.message = reason if line is None else f"{reason} (line {line})"
        super().__init__(self.message)
        self.line = line


def parsed(code: str) -> ast.Module:
    """Return the tree of *code*, or raise UnreadableCode; at most 32 KiB are read."""
    if len(code) > CODE_MAX:
        raise UnreadableCode(f"The code is longer than {CODE_MAX // 1024} KiB")
    try:
        with warnings.catch_warnings():
            # About what is doubtful, like an unknown escape; it is not for the server's log.
            warnings.simplefilter("ignore")
            return ast.parse(code)
    except SyntaxError as error:
        raise UnreadableCode(f"SyntaxError: {error.msg}", error.lineno) from None
    except (RecursionError, MemoryError):
        raise UnreadableCode("SyntaxError: the code nests too deeply") from None
    except ValueError:
        raise UnreadableCode("SyntaxError: the code is no text, or has a NUL in it") from None


@lru_cache(maxsize=256)
def argument_of_main(code: str) -> str:
    """Return the name of the one argument that `main` of *code* takes, or raise UnreadableCode."""
    named = [
        found
        for found in parsed(code).body
        if isinstance(found, ast.FunctionDef | ast.AsyncFunctionDef) and found.name == MAIN
    ]
    if not named:
        raise UnreadableCode(f"There is no function `{MAIN}`: def {MAIN}(inputs)")
    main = named[-1]
    if isinstance(main, ast.AsyncFunctionDef):
        raise UnreadableCode(f"`{MAIN}` must be a plain function, not `async`", main.lineno)
    given = main.args
    unfilled = len(given.args) - len(given.defaults) > 1 or None in given.kw_defaults
    if not given.args or given.posonlyargs or unfilled:
        raise UnreadableCode(_TAKES_ONE, main.lineno)
    return given.args[0].arg
