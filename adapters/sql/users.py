"""Users in SQL."""

from typing import Final

from sqlalchemy import Column, Index, String, Table, bindparam, literal_column, select

from orbiter.adapters.sql.columns import Hash, Id, Instant, OneOf
from orbiter.adapters.sql.failures import conflict
from orbiter.adapters.sql.metadata import metadata
from orbiter.adapters.sql.pages import pages_of
from orbiter.adapters.sql.repository import Mapped, SqlRepository, Statements
from orbiter.adapters.sql.transactions import Transaction
from orbiter.adapters.sql.workspaces import LOCK
from orbiter.application.paging import Page, PageRequest
from orbiter.domain.identity import Role
from orbiter.domain.users import EMAIL_MAX, NAME_MAX, User, UserStatus, same_email

_EMAIL_TAKEN: Final = "A user with this email already exists"
_KEY_MAX: Final = 3 * EMAIL_MAX  # folding the case of a character makes three at most

users: Final = Table(
    "users",
    metadata,
    Column("id", Id, primary_key=True),
    Column("workspace_id", Id, nullable=False),
    Column("email", String(EMAIL_MAX), nullable=False),
    Column("name", String(NAME_MAX)),
    Column("role", OneOf(Role), nullable=False),
    Column("status", OneOf(UserStatus), nullable=False),
    Column("password_hash", String(255)),
    Column("invite_token_hash", Hash),
    Column("invite_expires_at", Instant),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("email_key", String(_KEY_MAX), nullable=False),
    # Unique, because sessions and API keys refer to both: so they lie in the same workspace.
    Index("ix_users_workspace_id_id", "workspace_id", "id", unique=True),
    Index(
        "uq_users_workspace_id_email_key",
        "workspace_id",
        "email_key",
        unique=True,
        info=conflict(_EMAIL_TAKEN),
    ),
    Index(None, "invite_token_hash"),
)
# Written out, as a planner matches a partial index with no parameters.
ACTIVE: Final = users.c.status == literal_column(f"'{UserStatus.ACTIVE}'")
Index(
    "uq_users_active_email_key",
    users.c.email_key,
    unique=True,
    sqlite_where=ACTIVE,
    postgresql_where=ACTIVE,
    info=conflict(_EMAIL_TAKEN),
)

USERS: Final = Mapped(
    users,
    User,
    read=[column for column in users.columns if column is not users.c.email_key],
    derived=lambda user: {"email_key": same_email(user.email)},
)

_STATEMENTS: Final = Statements(USERS, "User")
_PAGES: Final = pages_of(USERS)
_ADMINS: Final = select(users.c.id).where(
    users.c.workspace_id == bindparam("mine"), users.c.role == Role.ADMIN, ACTIVE
)


class SqlUsers(SqlRepository[User]):
    """Members of one workspace."""

    def __init__(self, transaction: Transaction, workspace_id: str) -> None:
        super().__init__(_STATEMENTS, transaction, workspace_id)

    async def page(self, request: PageRequest) -> Page[User]:
        """Return a page of all members."""
        mine = {"mine": self._workspace_id}
        return await _PAGES.page(self._transaction, mine, request, request.id_after())

    async def active_admins(self) -> int:
        """Count the admins who can sign in; who writes and asks next waits for the end."""
        mine = {"mine": self._workspace_id}
        if not self._transaction.reading:
            await self._transaction.rows(LOCK, mine)
        return len(await self._transaction.rows(_ADMINS, mine))
