"""Everything that can go wrong, by kind; adapters translate kinds, never leaves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


class OrbiterError(Exception):
    """Root of every error the core raises on purpose."""

    def __init__(self, message: str, details: Mapping[str, object] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.details = details


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One wrong field: *field* dotted, *message* and *type* in Pydantic v2's words."""

    field: str
    message: str
    type: str = "value_error"

    def under(self, prefix: str) -> "FieldProblem":
        """Return the problem as seen from outside of *prefix*."""
        return FieldProblem(
            f"{prefix}.{self.field}" if self.field else prefix, self.message, self.type
        )


class Invalid(OrbiterError):
    """One or more fields break a rule; all of them are in *problems*."""

    def __init__(self, problems: Sequence[FieldProblem]) -> None:
        super().__init__("Validation error")
        self.problems = tuple(problems)

    @classmethod
    def field(cls, field: str, message: str, type: str = "value_error") -> "Invalid":
        """Return the error for a single wrong field."""
        return cls([FieldProblem(field, message, type)])


class BadRequest(OrbiterError):
    """The request itself makes no sense: its syntax, a query parameter, a cursor."""


class NotFound(OrbiterError):
    """The thing is absent, or the actor may not know it exists."""

    def __init__(self, noun: str) -> None:
        super().__init__(f"{noun} not found")


class Conflict(OrbiterError):
    """The change collides with what is already stored."""


class Forbidden(OrbiterError):
    """The actor is known but lacks the permission."""


class Unauthenticated(OrbiterError):
    """No valid credential was presented."""


class TooManyRequests(OrbiterError):
    """A rate limit is used up; *retry_after* is in whole seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__("Too many requests")
        self.retry_after = retry_after


class Unavailable(OrbiterError):
    """Something Orbiter depends on does not answer at the moment."""
