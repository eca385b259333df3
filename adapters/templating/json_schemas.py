"""JSON Schema 2020-12 by jsonschema-rs, which never leaves the process."""

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

import jsonschema_rs

from orbiter.domain.errors import FieldProblem

SCHEMA_BYTES: Final = 64 * 1024
SCHEMA_DEPTH: Final = 32


class JsonSchemas:
    """Checks values; schemas that are used again are compiled once."""

    def complaints(self, schema: Mapping[str, Any]) -> Sequence[str]:
        """Return why *schema* is no schema, if it is none."""
        try:
            _validator(_text(schema))
        except (ValueError, RecursionError) as error:
            return [_line(error)]
        return []

    def problems(self, schema: Mapping[str, Any], value: Any) -> Sequence[FieldProblem]:
        """Return where *value* breaks the schema; fields are dotted, relative to the value."""
        return [_problem(error) for error in _validator(_text(schema)).iter_errors(value)]

    def with_defaults(self, schema: Mapping[str, Any], value: Any) -> Any:
        """Return *value* with the schema's `default`s in place of what is absent."""
        properties = schema.get("properties") if isinstance(schema, Mapping) else None
        if not isinstance(properties, Mapping) or not isinstance(value, Mapping):
            return value
        filled = dict(value)
        for name, inner in properties.items():
            if name not in filled and isinstance(inner, Mapping) and "default" in inner:
                filled[name] = inner["default"]
            if name in filled:
                filled[name] = self.with_defaults(inner, filled[name])
        return filled


def _text(schema: Mapping[str, Any]) -> str:
    text = json.dumps(schema, sort_keys=True)
    if len(text) > SCHEMA_BYTES:
        raise ValueError(f"A schema takes at most {SCHEMA_BYTES} bytes")
    return text


@lru_cache(maxsize=256)
def _validator(schema: str) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(
        json.loads(schema), validate_formats=True, retriever=_refuse
    )


def _refuse(uri: str) -> Any:
    raise ValueError(f"A reference to {uri} is not followed")


def _line(error: BaseException) -> str:
    return str(error).partition("\n")[0]


def _problem(error: jsonschema_rs.ValidationError) -> FieldProblem:
    return FieldProblem(".".join(map(str, error.instance_path)), error.message)
