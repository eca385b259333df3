"""Providers in SQL."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    bindparam,
    select,
)
from sqlalchemy import cast as cast_to

from orbiter.adapters.sql.columns import Id, Instant, Json, OneOf, Sealed, storable
from orbiter.adapters.sql.failures import conflict
from orbiter.adapters.sql.metadata import metadata
from orbiter.adapters.sql.pages import pages_of
from orbiter.adapters.sql.repository import Mapped, SqlRepository, Statements
from orbiter.adapters.sql.transactions import Transaction
from orbiter.application.paging import Page, PageRequest
from orbiter.domain.providers import MODEL_MAX, NAME_MAX, Provider, ProviderStatus, ProviderType

providers: Final = Table(
    "providers",
    metadata,
    Column("id", Id, primary_key=True),
    Column("workspace_id", Id, nullable=False),
    Column("name", String(NAME_MAX), nullable=False),
    Column("provider_type", OneOf(ProviderType), nullable=False),
    Column("base_url", Text),
    Column("default_model", String(MODEL_MAX)),
    Column("models", Json, nullable=False),
    Column("max_retries", Integer, nullable=False),
    Column("timeout_seconds", Float(53), nullable=False),
    Column("priority", Integer, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("sealed_key", Sealed),
    Column("api_key_hint", Text),
    Column("status", OneOf(ProviderStatus), nullable=False),
    Column("last_tested_at", Instant),
    Column("last_error", Json, nullable=False),  # it may quote what text does not hold
    Column("created_by", Id, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    UniqueConstraint(
        "workspace_id", "name", info=conflict("A provider with this name already exists")
    ),
    Index(None, "workspace_id", "id"),
)


PROVIDERS: Final = Mapped(providers, Provider)

_STATEMENTS: Final = Statements(PROVIDERS, "Provider")
_PAGES: Final = pages_of(PROVIDERS)
_WORD: Final = bindparam("word", type_=Text)
_ENABLED: Final = (
    select(*PROVIDERS.columns)
    .where(providers.c.workspace_id == bindparam("mine"), providers.c.enabled)
    .order_by(providers.c.priority, providers.c.id)
)
_POOL: Final = _ENABLED.where(
    (providers.c.name == _WORD) | (cast_to(providers.c.provider_type, Text) == _WORD)
)
_DEFAULT: Final = _ENABLED.where(providers.c.default_model.is_not(None)).limit(1)


class SqlProviders(SqlRepository[Provider]):
    """Providers of one workspace."""

    def __init__(self, transaction: Transaction, workspace_id: str) -> None:
        super().__init__(_STATEMENTS, transaction, workspace_id)

    async def page(self, request: PageRequest) -> Page[Provider]:
        """Return a page of all providers."""
        mine = {"mine": self._workspace_id}
        return await _PAGES.page(self._transaction, mine, request, request.id_after())

    async def pool(self, word: str) -> Sequence[Provider]:
        """Return the enabled providers of that name or type, in the order they are called."""
        if not storable(word):
            return []
        parameters = {"mine": self._workspace_id, "word": word}
        found = await self._transaction.rows(_POOL, parameters)
        return [PROVIDERS.entity(row) for row in found]

    async def default(self) -> Provider | None:
        """Return the enabled provider with a default model that comes first, as in a pool."""
        found = await self._transaction.first(_DEFAULT, {"mine": self._workspace_id})
        return None if found is None else PROVIDERS.entity(found)
