"""A forgotten password's way back: one mail, one use, one hour."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from orbiter.domain.users import User

VALID_FOR: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordReset:
    """A reset that was asked for; only the hash of its token is kept."""

    id: str
    user_id: str
    token_hash: str = field(repr=False)
    expires_at: datetime

    @classmethod
    def begin(cls, *, id: str, user_id: str, token_hash: str, at: datetime) -> "PasswordReset":
        """Return a reset that is asked for at *at*."""
        return cls(id=id, user_id=user_id, token_hash=token_hash, expires_at=at + VALID_FOR)

    def opens(self, user: User, at: datetime) -> bool:
        """Say whether it still opens the account.

        It does not once the account was changed after it was asked for: neither a new password
        nor a new address may be undone by whoever reads an older mail.
        """
        return at < self.expires_at and user.updated_at < self.expires_at - VALID_FOR
