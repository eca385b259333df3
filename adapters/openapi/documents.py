"""The text of a description as JSON values, within bounds."""

import json
from collections.abc import Mapping
from typing import Any, Final

from orbiter.adapters.openapi.nodes import DOCUMENT, Node
from orbiter.adapters.openapi.yaml_text import yaml_value
from orbiter.application.ports.service_descriptions import DOCUMENT_MAX
from orbiter.domain.errors import Invalid

DEPTH_MAX: Final = 64
_MIB: Final = 1024 * 1024


def document_of(source: str | Mapping[str, Any]) -> Node:
    """Return the root of a document that is given as JSON, as YAML, or decoded; raise Invalid."""
    value = _decoded(source) if isinstance(source, str) else source
    if not isinstance(value, Mapping):
        raise _wrong("The document should be an object")
    _require_flat(value)
    try:
        # Half a surrogate pair can be written in JSON, but is no text.
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except (TypeError, ValueError):
        raise _wrong("The document should hold JSON values alone") from None
    return Node(value, value)


def _decoded(text: str) -> Any:
    if len(text) > DOCUMENT_MAX:
        raise _wrong(f"The document should have at most {DOCUMENT_MAX // _MIB} MiB")
    text = text.removeprefix("\ufeff")
    try:
        return (
            json.loads(text) if text.lstrip().startswith("{") else yaml_value(text, depth=DEPTH_MAX)
        )
    except RecursionError:
        raise _too_deep() from None
    except ValueError as error:
        raise _wrong(f"The document can't be read: {error}") from None


def _require_flat(value: Any) -> None:
    level = [value]
    for _ in range(DEPTH_MAX + 1):
        level = [inner for each in level for inner in _inner(each)]
        if not level:
            return
    raise _too_deep()


def _inner(value: Any) -> Any:
    if isinstance(value, Mapping):
        return value.values()
    return value if isinstance(value, list | tuple) else ()


def _too_deep() -> Invalid:
    return _wrong(f"The document is nested deeper than {DEPTH_MAX} levels")


def _wrong(message: str) -> Invalid:
    return Invalid.field(DOCUMENT, message)
