"""An API key: a program's credential, shown once and kept as a hash."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from orbiter.domain.checks import require, text_problems
from orbiter.domain.errors import Invalid
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
    key_hash: str
    scopes: tuple[Scope, ...] = (Scope.CI,)
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    created_at: datetime

    def __post_init__(self) -> None:
        require(text_problems("name", self.name, minimum=1, maximum=NAME_MAX))
        if not self.scopes:
            raise Invalid.field(
                "scopes", "List should have at least 1 item after validation, not 0", "too_short"
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
