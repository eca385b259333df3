"""Examples built from the schemas themselves, so that none can go stale."""

from collections.abc import Mapping
from typing import Any, Final

from orbiter.adapters.http.documentation.words import (
    ABSENT,
    BY_STATUS,
    GENERAL,
    ID,
    MOMENT,
    SPECIFIC,
)

UNSAID: Final = "…"
_FORMATS: Final = {"date-time": MOMENT, "uuid": ID}
_NULL: Final = {"type": "null"}
_PREFIX: Final = "#/components/schemas/"


class Examples:
    """Make examples of *schemas*, which are known by name."""

    def __init__(self, schemas: Mapping[str, Any]) -> None:
        self._schemas = schemas

    def answer(self, schema: Mapping[str, Any], status: str) -> Any:
        """Return what an answer of this *status* may hold."""
        usual, other = self.of(schema), BY_STATUS.get(status, {})
        if not isinstance(usual, dict):
            return usual
        return {name: other.get(name, value) for name, value in usual.items()}

    def of(self, schema: Mapping[str, Any], owner: str = "", name: str = "") -> Any:
        """Return a value that *schema*, found as *name* in the schema *owner*, admits."""
        if f"{owner}.{name}" in SPECIFIC:
            return SPECIFIC[f"{owner}.{name}"]
        if name in ABSENT and _NULL in schema.get("oneOf", ()):
            return None
        if "examples" in schema:
            return schema["examples"][0]
        if self._admits(schema, name):
            return GENERAL[name]
        if "$ref" in schema:
            return self.of(self._schemas[_target(schema)], _target(schema))
        return self._made(schema, owner, name)

    def _admits(self, schema: Mapping[str, Any], name: str) -> bool:
        if name not in GENERAL:
            return False
        schema = not_null(schema)
        words = self._schemas[_target(schema)] if "$ref" in schema else schema
        return "enum" not in words or GENERAL[name] in words["enum"]

    def _made(self, schema: Mapping[str, Any], owner: str, name: str) -> Any:
        if "oneOf" in schema:
            return self.of(not_null(schema), owner, name)
        if "enum" in schema:
            return schema["enum"][0]
        match schema.get("type"):
            case "object":
                inside = schema.get("properties", {})
                return {key: self.of(each, owner, key) for key, each in inside.items()}
            case "array":
                return [self.of(schema["items"], owner, name)]
            case "integer" | "number":
                return int(schema.get("default", schema.get("minimum", 1)))
            case "boolean":
                return bool(schema.get("default", True))
            case "string" if name.endswith("_id"):
                return ID
            case "string":
                return _FORMATS.get(schema.get("format", ""), UNSAID)
        return None


def _target(schema: Mapping[str, Any]) -> str:
    reference: str = schema["$ref"]
    return reference.removeprefix(_PREFIX)


def not_null(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what *schema* admits beside null, where it says so."""
    if "oneOf" not in schema:
        return schema
    real = next(each for each in schema["oneOf"] if each != _NULL)
    return {**{key: schema[key] for key in schema if key != "oneOf"}, **real}
