"""Schemas of OpenAPI 3.0 and 3.1 as JSON Schema 2020-12, references written out."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from orbiter.adapters.openapi.nodes import Node
from orbiter.application.ports.templating import Schemas
from orbiter.domain.tools import PARAMETERS_MAX

# In levels of JSON: what is checked may nest a little deeper.
DEPTH_MAX: Final = 24

_KEPT: Final = frozenset(
    "type title description format enum const default examples deprecated multipleOf minimum "
    "maximum exclusiveMinimum exclusiveMaximum minLength maxLength minItems maxItems uniqueItems "
    "minProperties maxProperties minContains maxContains required dependentRequired "
    "contentEncoding contentMediaType".split()
)
_ONE: Final = frozenset(
    "additionalProperties contains else if items not propertyNames then unevaluatedItems "
    "unevaluatedProperties".split()
)
_LISTS: Final = frozenset("allOf anyOf oneOf prefixItems".split())
_MAPS: Final = frozenset("dependentSchemas patternProperties properties".split())
_NOTES: Final = frozenset("title description default examples deprecated".split())
_REFERENCE: Final = "$ref"

Trail = tuple[tuple[str, ...], ...]


class SchemaTranslation:
    """Translates the schemas of one operation, which are bounded together.

    What refers to itself is cut where it comes round again, and so is what nests too deep: it
    lets anything through there. Patterns that Orbiter can't check are left out, and so are
    properties that only answers have.
    """

    def __init__(self, operation: Node, schemas: Schemas, *, is_3_0: bool) -> None:
        self._operation = operation
        self._schemas = schemas
        self._is_3_0 = is_3_0
        self._left = PARAMETERS_MAX

    def translated(self, schema: Node) -> dict[str, Any]:
        """Return a schema as an object; raise Invalid."""
        found = self._schema(schema, (), 0)
        if isinstance(found, Mapping):
            return dict(found)
        return {} if found else {"not": {}}

    def _schema(self, schema: Node, trail: Trail, depth: int) -> Any:
        if isinstance(schema.value, bool):
            return schema.value
        if depth > DEPTH_MAX or schema.place in trail:
            return self._cut(schema)
        trail = (*trail, schema.place)
        if _REFERENCE in schema.mapping:
            return self._referred(schema, trail, depth)
        found = self._keywords(schema, trail, depth)
        return _since_3_0(found, schema.mapping) if self._is_3_0 else found

    def _referred(self, schema: Node, trail: Trail, depth: int) -> Any:
        self._spend(len(_REFERENCE))
        target = self._schema(schema.referred(), trail, depth)
        beside = {} if self._is_3_0 else self._keywords(schema, trail, depth)
        if not beside:
            return target
        if isinstance(target, Mapping) and (
            _NOTES.issuperset(beside) or target.keys().isdisjoint(beside)
        ):
            return {**target, **beside}
        return {"allOf": [target], **beside}

    def _keywords(self, schema: Node, trail: Trail, depth: int) -> dict[str, Any]:
        found = {
            keyword: value
            for keyword, node in schema.entries()
            for value in self._keyword(keyword, node, trail, depth)
        }
        if isinstance(required := found.pop("required", None), list):
            properties = schema.child("properties").entries()
            answers = {name for name, each in properties if _answers(each)}
            found["required"] = [each for each in required if each not in answers]
        return found

    def _keyword(self, keyword: str, node: Node, trail: Trail, depth: int) -> Iterator[Any]:
        if keyword in _KEPT:
            self._spend(len(keyword) + len(json.dumps(node.value)))
            yield node.value
        elif keyword == "pattern" and self._is_pattern(node.value):
            self._spend(len(keyword) + len(node.value))
            yield node.value
        elif keyword in _ONE:
            self._spend(len(keyword))
            yield self._schema(node, trail, depth + 1)
        elif keyword in _LISTS:
            self._spend(len(keyword))
            yield [self._schema(each, trail, depth + 2) for each in node.items()]
        elif keyword in _MAPS:
            yield dict(self._properties(keyword, node, trail, depth + 2))

    def _properties(
        self, keyword: str, node: Node, trail: Trail, depth: int
    ) -> Iterator[tuple[str, Any]]:
        for name, schema in node.entries():
            if _answers(schema) or (keyword == "patternProperties" and not self._is_pattern(name)):
                continue
            self._spend(len(name))
            yield name, self._schema(schema, trail, depth)

    def _is_pattern(self, pattern: Any) -> bool:
        return isinstance(pattern, str) and not self._schemas.complaints({"pattern": pattern})

    def _cut(self, schema: Node) -> Mapping[str, Any]:
        kind = schema.mapping.get("type")
        return {"type": kind} if isinstance(kind, str) else {}

    def _spend(self, characters: int) -> None:
        # Quotes, colons and brackets are counted as well, roughly.
        self._left -= characters + 6
        if self._left < 0:
            size = f"{PARAMETERS_MAX // 1024} KiB, references written out"
            raise self._operation.wrong(f"Its schemas have more than {size}")


def _answers(schema: Node) -> bool:
    """Say whether a property is for answers alone."""
    return isinstance(schema.value, Mapping) and schema.value.get("readOnly") is True


def _since_3_0(found: dict[str, Any], written: Mapping[str, Any]) -> dict[str, Any]:
    """Return what 3.0 says in words of its own as JSON Schema says it."""
    for exclusive, bound in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if isinstance(found.get(exclusive), bool) and found.pop(exclusive) and bound in found:
            found[exclusive] = found.pop(bound)
    if written.get("nullable") is not True:
        return found
    if not isinstance(found.get("type"), str):
        return {"anyOf": [found, {"type": "null"}]}
    found["type"] = [found["type"], "null"]
    if isinstance(found.get("enum"), list) and None not in found["enum"]:
        found["enum"] = [*found["enum"], None]
    return found
