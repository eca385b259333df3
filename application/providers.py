"""Provider use cases."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from types import EllipsisType
from typing import Final, Unpack

from orbiter.application.paging import Page, PageRequest
from orbiter.application.ports.models import ModelError
from orbiter.application.vendors import Vendors
from orbiter.application.work import Work
from orbiter.domain.checks import require
from orbiter.domain.errors import Unavailable
from orbiter.domain.identity import Actor, Permission
from orbiter.domain.providers import (
    Provider,
    ProviderChanges,
    ProviderSettings,
    ProviderType,
    hint_of,
    key_problems,
)

ANSWER_SECONDS: Final = 30  # somebody sits there and waits
_MILLISECOND: Final = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderTest:
    """What came of asking a vendor for its models; *error* says why it did not answer."""

    success: bool
    latency_ms: int
    models: Sequence[str] = ()
    error: str | None = None


@dataclass(frozen=True, slots=True)
class ProviderHandlers:
    """What an actor may do with providers, whose keys go in and never come out."""

    work: Work
    vendors: Vendors

    async def create(
        self,
        actor: Actor,
        *,
        name: str,
        provider_type: ProviderType,
        api_key: str | None = None,
        **settings: Unpack[ProviderSettings],
    ) -> Provider:
        """Add a provider; raise Conflict when its name is used."""
        require(key_problems(api_key))
        now = self.work.clock.now()
        async with self.work(actor, Permission.PROVIDERS_WRITE) as uow:
            provider = Provider(
                id=self.work.new_id(),
                workspace_id=actor.workspace_id,
                name=name,
                provider_type=provider_type,
                created_by=actor.user_id,
                created_at=now,
                updated_at=now,
                **settings,
            )
            provider = self._with_key(provider, api_key)
            await uow.providers.add(provider)
            await self.work.audit(uow, actor, "provider.created", provider.id)
        return provider

    async def get(self, actor: Actor, provider_id: str) -> Provider:
        """Return a provider."""
        async with self.work(actor, Permission.PROVIDERS_READ) as uow:
            return await uow.providers.get(provider_id)

    async def page(self, actor: Actor, request: PageRequest) -> Page[Provider]:
        """Return a page of the workspace's providers."""
        async with self.work(actor, Permission.PROVIDERS_READ) as uow:
            return await uow.providers.page(request)

    async def revise(
        self,
        actor: Actor,
        provider_id: str,
        *,
        api_key: str | EllipsisType | None = ...,
        **changes: Unpack[ProviderChanges],
    ) -> Provider:
        """Change what is given, leave the rest.

        Without an *api_key* it stays, unless the address is another: then it is dropped. None takes
        it away.
        """
        require(key_problems(None if api_key is ... else api_key))
        async with self.work(actor, Permission.PROVIDERS_WRITE) as uow:
            provider = await uow.providers.get(provider_id)
            provider = provider.revise(at=self.work.clock.now(), **changes)
            if api_key is not ...:
                provider = self._with_key(provider, api_key)
            await uow.providers.save(provider)
            await self.work.audit(uow, actor, "provider.updated", provider_id)
        return provider

    async def remove(self, actor: Actor, provider_id: str) -> None:
        """Delete a provider; what calls its models fails from now on."""
        async with self.work(actor, Permission.PROVIDERS_WRITE) as uow:
            await uow.providers.remove(provider_id)
            await self.work.audit(uow, actor, "provider.deleted", provider_id)

    async def test(self, actor: Actor, provider_id: str) -> ProviderTest:
        """Ask the vendor for its models, note how that went, and tell it."""
        async with self.work(actor, Permission.PROVIDERS_WRITE, reading=True) as uow:
            provider = await uow.providers.get(provider_id)
        outcome = await self._outcome(provider)
        async with self.work(actor, Permission.PROVIDERS_WRITE) as uow:
            kept = await uow.providers.get(provider_id)
            if kept.is_reached_as(provider):
                at = self.work.clock.now()
                await uow.providers.save(kept.tested(at=at, error=outcome.error))
            await self.work.audit(uow, actor, "provider.tested", provider_id)
        return outcome

    async def models(self, actor: Actor, provider_id: str) -> Sequence[str]:
        """Return the models on offer, as the vendor names them; raise Unavailable when it fails."""
        provider = await self.get(actor, provider_id)
        try:
            return await self.vendors.models(provider, timeout_seconds=ANSWER_SECONDS)
        except ModelError as error:
            raise Unavailable(f"The provider did not tell its models: {error.message}") from None

    async def _outcome(self, provider: Provider) -> ProviderTest:
        began = self.work.clock.now()
        models: Sequence[str] = ()
        error = None
        try:
            models = await self.vendors.models(provider, timeout_seconds=ANSWER_SECONDS)
        except ModelError as failed:
            error = failed.message
        latency = (self.work.clock.now() - began) // _MILLISECOND
        return ProviderTest(success=error is None, latency_ms=latency, models=models, error=error)

    def _with_key(self, provider: Provider, key: str | None) -> Provider:
        if key is None:
            return provider.take_key(None, None)
        return provider.take_key(self.vendors.seal(provider, key), hint_of(key))
