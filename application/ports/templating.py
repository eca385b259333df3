"""Templates, expressions, picking and schemas: languages users write in, run within bounds."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from orbiter.domain.errors import FieldProblem, OrbiterError

Context = Mapping[str, Any]


class TemplateError(OrbiterError):
    """A template can't be rendered: its syntax, a name that does not exist, too much work."""


class Templates(Protocol):
    """`{{ … }}` templates and bare expressions over a context of JSON values.

    Work and output are bounded; a name that does not exist is an error that says which.
    """

    def render(self, template: Any, context: Context) -> Any:
        """Render every text inside *template*, however deep, and return the same shape.

        A text that is a single `{{ expression }}` gives the expression's value, of its own type.
        """
        ...

    def evaluate(self, expression: str, context: Context) -> Any:
        """Return the value of a bare expression; `{{ }}` around it is tolerated."""
        ...

    def pick(self, expression: str, context: Context) -> Any:
        """Return what a JMESPath expression finds in the context."""
        ...


class Schemas(Protocol):
    """JSON Schema 2020-12, without remote references."""

    def complaints(self, schema: Mapping[str, Any]) -> Sequence[str]:
        """Return why *schema* is no schema, if it is none."""
        ...

    def problems(self, schema: Mapping[str, Any], value: Any) -> Sequence[FieldProblem]:
        """Return where *value* breaks the schema; fields are dotted, relative to the value."""
        ...

    def with_defaults(self, schema: Mapping[str, Any], value: Any) -> Any:
        """Return *value* with the schema's `default`s in place of what is absent."""
        ...

    def is_pattern(self, text: str) -> bool:
        """Say whether it is a regular expression that takes no longer than what it looks through.

        Look-around and back-references are none.
        """
        ...

    def is_found(self, pattern: str, text: str) -> bool:
        """Say whether such a regular expression is found in *text*."""
        ...
