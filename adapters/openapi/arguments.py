"""The arguments of a tool: where they come from in a request, and the templates that put them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

NAME_MAX: Final = 64
# What every vendor of models takes as the name of a property.
_UNFIT: Final = re.compile(r"[^A-Za-z0-9_.-]+")


@dataclass(slots=True)
class Arguments:
    """Gathers arguments under names of their own: a path and a query may use the same one."""

    properties: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    required: list[str] = field(default_factory=list)

    def add(self, name: str, origin: str, schema: Mapping[str, Any], *, required: bool) -> str:
        """Take in an argument; return the name it has, as templates write it."""
        plain = _UNFIT.sub("_", name).strip("_") if _UNFIT.search(name) else name
        own = self._free(plain[:NAME_MAX] or origin, origin)
        self.properties[own] = schema
        if required:
            self.required.append(own)
        return f"arguments.{own}" if own.isidentifier() else f'arguments["{own}"]'

    @property
    def schema(self) -> Mapping[str, Any]:
        """Return the JSON Schema of all of them."""
        schema = {"type": "object", "properties": self.properties, "additionalProperties": False}
        return {**schema, "required": self.required} if self.required else schema

    def _free(self, name: str, origin: str) -> str:
        if name not in self.properties:
            return name
        name, number = f"{name[: NAME_MAX - 12]}_{origin}", 1
        numbered = name
        while numbered in self.properties:
            number += 1
            numbered = f"{name}_{number}"
        return numbered


def placed(argument: str, filter: str = "") -> str:
    """Return the template that is the argument and nothing else, through a filter if one is given.

    The tool leaves out an entry whose argument was not given.
    """
    return f"{{{{ {argument} | {filter} }}}}" if filter else f"{{{{ {argument} }}}}"


def is_literal(text: str) -> bool:
    """Say whether a text of a document means itself: templates are not taken from documents."""
    return not any(mark in text for mark in ("{{", "{%", "{#"))
