"""API keys in SQL."""

from typing import Any, Final

from sqlalchemy import Column, Index, String, Table

from orbiter.adapters.sql.columns import Hash, Id, Instant, Json
from orbiter.adapters.sql.metadata import metadata
from orbiter.adapters.sql.pages import pages_of
from orbiter.adapters.sql.references import belongs_to
from orbiter.adapters.sql.repository import Mapped, SqlRepository, Statements
from orbiter.adapters.sql.transactions import Transaction
from orbiter.application.paging import Page, PageRequest
from orbiter.domain.api_keys import NAME_MAX, PREFIX_LENGTH, ApiKey
from orbiter.domain.identity import Scope

api_keys: Final = Table(
    "api_keys",
    metadata,
    Column("id", Id, primary_key=True),
    Column("workspace_id", Id, nullable=False),
    Column("created_by", Id, nullable=False),
    Column("name", String(NAME_MAX), nullable=False),
    Column("prefix", String(PREFIX_LENGTH), nullable=False),
    Column("key_hash", Hash, nullable=False, unique=True),
    Column("scopes", Json, nullable=False),
    Column("expires_at", Instant),
    Column("last_used_at", Instant),
    Column("created_at", Instant, nullable=False),
    belongs_to("users", "created_by", "User"),
    Index(None, "workspace_id", "id"),
    Index(None, "workspace_id", "created_by", "id"),
)


def _key(*, scopes: list[str], **rest: Any) -> ApiKey:
    return ApiKey(scopes=tuple(Scope(scope) for scope in scopes), **rest)


API_KEYS: Final = Mapped(api_keys, _key)

_STATEMENTS: Final = Statements(API_KEYS, "API key")
_PAGES: Final = pages_of(API_KEYS, "created_by")


class SqlApiKeys(SqlRepository[ApiKey]):
    """API keys of one workspace."""

    def __init__(self, transaction: Transaction, workspace_id: str) -> None:
        super().__init__(_STATEMENTS, transaction, workspace_id)

    async def page(self, request: PageRequest, user_id: str | None) -> Page[ApiKey]:
        """Return a page of the keys, of one creator if given."""
        wanted = {"mine": self._workspace_id, "created_by": user_id}
        return await _PAGES.page(self._transaction, wanted, request, request.id_after())

    async def touch(self, key: ApiKey) -> None:
        """Store its last use, unless it was revoked meanwhile."""
        await self._change(_STATEMENTS.update, key.id, {"last_used_at": key.last_used_at})
