"""Names that a template reads for certain, looked up before it is rendered.

MiniJinja's strict mode speaks up when an undefined value is printed or compared, but lets it pass
as null in `[inputs.gone]` or `inputs.gone | tojson`.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from orbiter.adapters.templating.source import Token
from orbiter.application.ports.templating import Context, TemplateError

Path = tuple[str, ...]

# Where one of these words stands, a name may be missing on purpose, or never be read.
_PERHAPS: Final = frozenset(("default", "d", "is", "if", "and", "or", "else"))


def certain(tokens: Sequence[Token]) -> bool:
    """Say whether every name in an expression is read whenever it is evaluated."""
    return not any(token.kind == "name" and token.word in _PERHAPS for token in tokens)


def called(tokens: Sequence[Token]) -> frozenset[str]:
    """Return the names of the methods that an expression calls."""
    pairs = zip(tokens, tokens[1:], strict=False)
    return frozenset(name.word for name, after in pairs if after.word == "(")


def require_names(paths: Iterable[Path], methods: frozenset[str], context: Context) -> None:
    """Raise TemplateError for the first path that leads to nothing."""
    for path in paths:
        missing = _missing(path, methods, context)
        if missing is not None:
            raise TemplateError(f"`{missing}` is undefined")


def _missing(path: Path, methods: frozenset[str], context: Context) -> str | None:
    value: Any = context
    for depth, name in enumerate(path, start=1):
        if isinstance(value, Mapping) and name in value:
            value = value[name]
        elif isinstance(value, str | list | tuple) or name in methods:
            # What hangs on texts and lists are methods and places, which MiniJinja knows.
            return None
        else:
            return ".".join(path[:depth])
    return None
