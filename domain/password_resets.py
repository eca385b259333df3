"""A forgotten password's way back: one mail, one use, one hour."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

VALID_FOR: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordReset:
    """A reset that was asked for; only the hash of its token is kept."""

    id: str
    user_id: str
    token_hash: str
    expires_at: datetime
