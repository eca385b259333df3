"""Password resets in SQL."""

from typing import Final

from sqlalchemy import Column, ForeignKeyConstraint, Table

from orbiter.adapters.sql.columns import Hash, Id, Instant
from orbiter.adapters.sql.failures import missing
from orbiter.adapters.sql.metadata import metadata
from orbiter.adapters.sql.repository import Mapped
from orbiter.domain.password_resets import PasswordReset

password_resets: Final = Table(
    "password_resets",
    metadata,
    Column("id", Id, nullable=False),
    Column("user_id", Id, primary_key=True),
    Column("token_hash", Hash, nullable=False, unique=True),
    Column("expires_at", Instant, nullable=False),
    ForeignKeyConstraint(["user_id"], ["users.id"], ondelete="CASCADE", info=missing("User")),
)

PASSWORD_RESETS: Final = Mapped(password_resets, PasswordReset)
