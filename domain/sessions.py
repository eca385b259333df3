"""A browser's sign-in: sliding for 72 hours, never longer than 30 days."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

SLIDING: Final = timedelta(hours=72)
ABSOLUTE: Final = timedelta(days=30)
TOUCH_EVERY: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One sign-in; only the hash of its token is kept."""

    id: str
    workspace_id: str
    user_id: str
    token_hash: str = field(repr=False)
    address: str | None = None
    user_agent: str | None = None
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime

    @classmethod
    def begin(
        cls,
        *,
        id: str,
        workspace_id: str,
        user_id: str,
        token_hash: str,
        at: datetime,
        address: str | None = None,
        user_agent: str | None = None,
    ) -> "Session":
        """Return a session that starts at *at*."""
        return cls(
            id=id,
            workspace_id=workspace_id,
            user_id=user_id,
            token_hash=token_hash,
            address=address,
            user_agent=user_agent[:255] if user_agent else None,
            created_at=at,
            last_used_at=at,
            expires_at=at + SLIDING,
        )

    def expired(self, at: datetime) -> bool:
        """Say whether its time is over."""
        return self.expires_at <= at

    def needs_touch(self, at: datetime) -> bool:
        """Say whether its use is worth a write; a busy browser does not write each time."""
        return at - self.last_used_at >= TOUCH_EVERY

    def touch(self, at: datetime) -> "Session":
        """Slide the end, up to the absolute one."""
        end = min(at + SLIDING, self.created_at + ABSOLUTE)
        return replace(self, last_used_at=at, expires_at=end)
