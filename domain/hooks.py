"""A hook: an address that starts a workflow when something is posted to it."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from orbiter.domain.checks import require, text_problems

NAME_MAX: Final = 255
SECRET_MAX: Final = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """What is kept of a hook: its token as a hash, its secret sealed."""

    id: str
    workspace_id: str
    workflow_id: str
    name: str
    token_hash: str = field(repr=False)
    sealed_secret: bytes | None = field(default=None, repr=False)
    created_by: str
    created_at: datetime
    last_called_at: datetime | None = None

    def __post_init__(self) -> None:
        require(text_problems("name", self.name, minimum=1, maximum=NAME_MAX))

    @property
    def secret_set(self) -> bool:
        """Say whether calls must be signed."""
        return self.sealed_secret is not None

    def touch(self, at: datetime) -> "Hook":
        """Note that it was called."""
        return replace(self, last_called_at=at)
