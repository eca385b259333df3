"""JSON Schema 2020-12 by jsonschema-rs, which never leaves the process."""

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

import jsonschema_rs
from jsonschema_rs import ValidationErrorKind

from orbiter.adapters.templating.schema_words import MESSAGE_MAX, words_of
from orbiter.domain.errors import FieldProblem

SCHEMA_MAX: Final = 64 * 1024
DEPTH_MAX: Final = 32
_VALIDATORS_KEPT: Final = 256


class JsonSchemas:
    """Checks values; a schema that is used again is compiled once."""

    def complaints(self, schema: Mapping[str, Any]) -> Sequence[str]:
        """Return why *schema* is no schema, if it is none."""
        if _deep(schema):
            return [f"A schema nests at most {DEPTH_MAX} levels"]
        text = _text(schema)
        if len(text) > SCHEMA_MAX:
            return [f"A schema has at most {SCHEMA_MAX} characters"]
        try:
            _validator(text)
        except ValueError as error:
            return [_complaint(error)]
        return []

    def problems(self, schema: Mapping[str, Any], value: Any) -> Sequence[FieldProblem]:
        """Return where *value* breaks the schema; fields are dotted, relative to the value."""
        validator = _validator(_text(schema))
        if validator.is_valid(value):
            return []
        errors = validator.iter_errors(value)
        return [problem for error in errors for problem in _problems(error)]

    def with_defaults(self, schema: Mapping[str, Any], value: Any) -> Any:
        """Return *value* with the schema's `default`s in place of what is absent.

        They are looked for in `properties` and `items`, however deep, not behind references.
        """
        if not isinstance(schema, Mapping):
            return value
        inner = schema.get("properties")
        if isinstance(value, Mapping) and isinstance(inner, Mapping):
            return {**value, **dict(self._filled(inner, value))}
        if isinstance(value, list) and isinstance(schema.get("items"), Mapping):
            return [self.with_defaults(schema["items"], item) for item in value]
        return value

    def is_pattern(self, text: str) -> bool:
        """Say whether it is a regular expression that takes no longer than what it looks through.

        Look-around and back-references are none.
        """
        try:
            _pattern(text)
        except ValueError:
            return False
        return True

    def is_found(self, pattern: str, text: str) -> bool:
        """Say whether such a regular expression is found in *text*."""
        return _pattern(pattern).is_valid(text)

    def _filled(
        self, properties: Mapping[str, Any], value: Mapping[str, Any]
    ) -> Iterator[tuple[str, Any]]:
        for name, schema in properties.items():
            if name in value:
                yield name, self.with_defaults(schema, value[name])
            elif isinstance(schema, Mapping) and "default" in schema:
                yield name, self.with_defaults(schema, schema["default"])


def _deep(schema: Any) -> bool:
    level, depth = [schema], 0
    while level and depth <= DEPTH_MAX:
        level = [inner for each in level for inner in _inner(each)]
        depth += 1
    return bool(level)


def _inner(value: Any) -> Any:
    if isinstance(value, Mapping):
        return value.values()
    return value if isinstance(value, list | tuple) else ()


def _text(schema: Mapping[str, Any]) -> str:
    return json.dumps(schema)


@lru_cache(maxsize=_VALIDATORS_KEPT)
def _validator(schema: str) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(
        json.loads(schema), validate_formats=True, retriever=_refuse
    )


@lru_cache(maxsize=_VALIDATORS_KEPT)
def _pattern(text: str) -> jsonschema_rs.Draft202012Validator:
    # Of its two engines for expressions, the one that never goes back.
    return jsonschema_rs.Draft202012Validator(
        {"pattern": text}, pattern_options=jsonschema_rs.RegexOptions()
    )


def _refuse(uri: str) -> Any:
    raise ValueError("references to other documents are not followed")


def _complaint(error: ValueError) -> str:
    text = error.message if isinstance(error, jsonschema_rs.ValidationError) else str(error)
    return text[:MESSAGE_MAX]


def _problems(error: jsonschema_rs.ValidationError) -> Iterator[FieldProblem]:
    path = [str(name) for name in error.instance_path]
    match error.kind:
        case ValidationErrorKind.Required(property=name):
            yield FieldProblem(".".join([*path, name]), "Field required", "missing")
        case ValidationErrorKind.AdditionalProperties(unexpected=names):
            for name in names:
                message = "Extra inputs are not permitted"
                yield FieldProblem(".".join([*path, name]), message, "extra_forbidden")
        case _:
            yield FieldProblem(".".join(path), *words_of(error))
