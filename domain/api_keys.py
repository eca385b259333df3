"""An API key: a program's credential, shown once and kept as a hash."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from orbiter.domain.checks import require, text_problems
from orbiter.domain.errors import FieldProblem
from orbiter.domain.identity import Scope

NAME_MAX: Final = 255
MARK: Final = "orb_"
PREFIX_LENGTH: Final = 12
TOUCH_EVERY: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """What is kept of a key; *prefix* lets its owner recognise it."""

    id: str
    workspace_id: str
    created_by: str
    name: str
    prefix: str
    key_hash: str = field(repr=False)
    scopes: tuple[Scope, ...] = (Scope.CI,)
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    created_at: datetime

    def __post_init__(self) -> None:
        require(
            text_problems("name", self.name, minimum=1, maximum=NAME_MAX),
            _scope_problems(self.scopes),
            _expiry_problems(self.expires_at, self.created_at),
        )

    def expired(self, at: datetime) -> bool:
        """Say whether its time is over."""
        return self.expires_at is not None and self.expires_at <= at

    def needs_touch(self, at: datetime) -> bool:
        """Say whether its use is worth a write; a busy program does not write each time."""
        return self.last_used_at is None or at - self.last_used_at >= TOUCH_EVERY

    def touch(self, at: datetime) -> "ApiKey":
        """Note its use."""
        return replace(self, last_used_at=at)


def _scope_problems(scopes: tuple[Scope, ...]) -> Iterator[FieldProblem]:
    if not scopes:
        message = "List should have at least 1 item after validation, not 0"
        yield FieldProblem("scopes", message, "too_short")


def _expiry_problems(expires_at: datetime | None, created_at: datetime) -> Iterator[FieldProblem]:
    if expires_at is None:
        return
    if expires_at.tzinfo is None:
        yield FieldProblem("expires_at", "Input should have timezone info", "timezone_aware")
    elif expires_at <= created_at:
        yield FieldProblem("expires_at", "Input should be in the future", "datetime_future")
