"""An API key: a program's credential, shown once and kept as a hash."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from orbiter.domain.checks import require, text_problems
from orbiter.domain.errors import Invalid
from orbiter.domain.identity import Scope

NAME_MAX: Final = 255
MARK: Final = "orb_"
PREFIX_LENGTH: Final = 12


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
