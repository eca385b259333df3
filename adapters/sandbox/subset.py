"""Which part of Python the sandbox runs, and what is said of the rest."""

import ast
import builtins
import re
import sys
from collections.abc import Iterator
from typing import Final

MODULES: Final = (
    "asyncio",
    "base64",
    "binascii",
    "bisect",
    "collections",
    "copy",
    "csv",
    "dataclasses",
    "datetime",
    "decimal",
    "functools",
    "hashlib",
    "itertools",
    "json",
    "math",
    "os",
    "pathlib",
    "posixpath",
    "random",
    "re",
    "sys",
    "time",
    "tomllib",
    "typing",
    "unicodedata",
)
SUBSET: Final = (
    "The sandbox runs a subset of Python, without `yield`, `del`, classes that inherit, decorated "
    "methods, `import *`, files, network, environment and packages. Its modules, some of them in "
    f"part: {', '.join(MODULES)}"
)

_ALWAYS: Final = frozenset({"ImportError", "ModuleNotFoundError", "PermissionError"})
_PARSER: Final = re.compile(r"The monty syntax parser does not yet support ")
_INTERNAL: Final = re.compile(r"Internal error in monty: ")
_ARGUMENTS: Final = re.compile(r"exceptions can only be called with zero or one string argument")
_SAYS_SO: Final = re.compile(r"not yet support|not supported in this environment|^Wildcard imports")
_NAME: Final = re.compile(r"name '(\w+)' is not defined")
_ATTRIBUTE: Final = re.compile(r"(?:type object )?'(\w+)'(?: object)? has no attribute '(\w+)'")
_OF_A_MODULE: Final = re.compile(r"module '([\w.]+)' has no attribute '(\w+)'")


def is_lacking(kind: str, message: str) -> bool:
    """Say whether an exception tells of what Python has and the sandbox lacks."""
    if kind in _ALWAYS or _SAYS_SO.search(message) or _INTERNAL.match(message):
        return True
    if kind == "NameError" and (found := _NAME.search(message)):
        return hasattr(builtins, found[1])
    if kind == "AttributeError" and (found := _OF_A_MODULE.search(message)):
        # Only what is loaded is looked at: nothing is imported for the sake of users' code.
        return hasattr(sys.modules.get(found[1]), found[2])
    if kind == "AttributeError" and (found := _ATTRIBUTE.search(message)):
        return hasattr(getattr(builtins, found[1], None), found[2])
    return False


def plain(message: str) -> str:
    """Return what the interpreter says of itself, as the sandbox says it."""
    message = _PARSER.sub("the sandbox does not run ", message)
    message = _ARGUMENTS.sub("exceptions take one text here, as in ValueError(str(code))", message)
    return _INTERNAL.sub("", message)


def absent_modules(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Yield each module that *tree* imports for certain and the sandbox lacks, and the line."""
    for statement in tree.body:
        match statement:
            case ast.Import(names=names):
                asked = [each.name for each in names]
            case ast.ImportFrom(module=str(module), level=0) if module != "__future__":
                asked = [module]
            case _:
                asked = []
        for name in asked:
            if name.partition(".")[0] not in MODULES:
                yield name, statement.lineno
