"""API key use cases."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from orbiter.application.paging import Page, PageRequest
from orbiter.application.ports.identity import Tokens
from orbiter.application.ports.storage import UnitOfWork
from orbiter.application.work import Work
from orbiter.domain.api_keys import MARK, PREFIX_LENGTH, ApiKey
from orbiter.domain.errors import Forbidden, Invalid, NotFound
from orbiter.domain.identity import Actor, Permission, Scope, permissions_of


@dataclass(frozen=True, slots=True, kw_only=True)
class NewApiKey:
    """A key as it was made; *key* is shown this once."""

    api_key: ApiKey
    key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ApiKeyHandlers:
    """What an actor may do with API keys: the own ones, and an admin with everybody's."""

    work: Work
    tokens: Tokens

    async def page(self, actor: Actor, request: PageRequest) -> Page[ApiKey]:
        """Return a page of the keys the actor may see."""
        creator = None if actor.may(Permission.API_KEYS_MANAGE) else actor.user_id
        async with self.work(actor, Permission.API_KEYS_READ) as uow:
            return await uow.api_keys.page(request, creator)

    async def create(
        self,
        actor: Actor,
        *,
        name: str,
        scopes: Sequence[Scope] | None = None,
        expires_at: datetime | None = None,
    ) -> NewApiKey:
        """Make a key that acts as the actor, within *scopes* (`ci` alone by default).

        Raise Forbidden for a scope that opens more than the actor holds, and Invalid when a key
        made by a key would outlive it.
        """
        key = MARK + self.tokens.new()
        async with self.work(actor, Permission.API_KEYS_WRITE) as uow:
            made = ApiKey(
                id=self.work.new_id(),
                workspace_id=actor.workspace_id,
                created_by=actor.user_id,
                name=name,
                prefix=key[:PREFIX_LENGTH],
                key_hash=self.tokens.hash(key),
                scopes=(Scope.CI,) if scopes is None else tuple(dict.fromkeys(scopes)),
                expires_at=_in_utc(expires_at),
                created_at=self.work.clock.now(),
            )
            await _require_no_more(uow, actor, made)
            await uow.api_keys.add(made)
            await self.work.audit(uow, actor, "api_key.created", made.id)
        return NewApiKey(api_key=made, key=key)

    async def get(self, actor: Actor, api_key_id: str) -> ApiKey:
        """Return a key the actor may see."""
        async with self.work(actor, Permission.API_KEYS_READ) as uow:
            return await _seen(uow, actor, api_key_id)

    async def remove(self, actor: Actor, api_key_id: str) -> None:
        """Revoke a key; it is worth nothing from now on."""
        async with self.work(actor, Permission.API_KEYS_WRITE) as uow:
            await _seen(uow, actor, api_key_id)
            await uow.api_keys.remove(api_key_id)
            await self.work.audit(uow, actor, "api_key.revoked", api_key_id)


def _in_utc(moment: datetime | None) -> datetime | None:
    if moment is None or moment.tzinfo is None:
        return moment
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise Invalid.field("expires_at", "Input should be a time before the year 10000") from None


async def _seen(uow: UnitOfWork, actor: Actor, api_key_id: str) -> ApiKey:
    key = await uow.api_keys.get(api_key_id)
    if key.created_by != actor.user_id and not actor.may(Permission.API_KEYS_MANAGE):
        raise NotFound("API key")
    return key


async def _require_no_more(uow: UnitOfWork, actor: Actor, made: ApiKey) -> None:
    for scope in made.scopes:
        if not permissions_of(actor.role, [scope]) <= actor.permissions:
            raise Forbidden(f"The scope {scope} opens more than you hold")
    if actor.api_key_id is None:
        return
    end = (await uow.api_keys.get(actor.api_key_id)).expires_at
    if end is not None and (made.expires_at is None or made.expires_at > end):
        raise Invalid.field("expires_at", "A key can't outlive the key that makes it")
