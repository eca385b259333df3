"""What is wrong with a value, in Pydantic v2's words where it has some."""

import json
from typing import Any, Final

from jsonschema_rs import ValidationError
from jsonschema_rs import ValidationErrorKind as Kind

MESSAGE_MAX: Final = 300
_TYPES: Final = {
    "string": ("Input should be a valid string", "string_type"),
    "integer": ("Input should be a valid integer", "int_type"),
    "number": ("Input should be a valid number", "float_type"),
    "boolean": ("Input should be a valid boolean", "bool_type"),
    "array": ("Input should be a valid list", "list_type"),
    "object": ("Input should be a valid dictionary", "dict_type"),
    "null": ("Input should be None", "none_required"),
}


_LIMITS: Final = {
    "minLength": ("String should have at least {} character{s}", "string_too_short"),
    "maxLength": ("String should have at most {} character{s}", "string_too_long"),
    "minimum": ("Input should be greater than or equal to {}", "greater_than_equal"),
    "maximum": ("Input should be less than or equal to {}", "less_than_equal"),
    "exclusiveMinimum": ("Input should be greater than {}", "greater_than"),
    "exclusiveMaximum": ("Input should be less than {}", "less_than"),
    "minItems": ("List should have at least {} item{s}", "too_short"),
    "maxItems": ("List should have at most {} item{s}", "too_long"),
}


def words_of(error: ValidationError) -> tuple[str, str]:
    """Return the error's message and type."""
    message, type = _words(error.kind) or (error.message, "value_error")
    return message[:MESSAGE_MAX], type


def _words(kind: Kind) -> tuple[str, str] | None:
    if kind.name in _LIMITS:
        words, type = _LIMITS[kind.name]
        return words.format(kind.value, s="" if kind.value == 1 else "s"), type
    match kind:
        case Kind.Type(types=[name]):
            return _TYPES[name]
        case Kind.Enum(options=options):
            *most, last = map(_shown, options)
            return f"Input should be {', '.join(most)}{' or ' if most else ''}{last}", "enum"
        case Kind.Pattern(pattern=pattern):
            return f"String should match pattern '{pattern}'", "string_pattern_mismatch"
    return None


def _shown(option: Any) -> str:
    return f"'{option}'" if isinstance(option, str) else json.dumps(option, ensure_ascii=False)
