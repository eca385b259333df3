"""Providers: managed by admins, tested against their vendors, with keys nobody sees again."""

from typing import Any

import pytest

from orbiter.adapters.memory.storage import MemoryStorage
from orbiter.adapters.security.encryption import FernetCipher
from orbiter.adapters.system.ids import new_id
from orbiter.application.paging import PageRequest
from orbiter.application.ports.models import Endpoint
from orbiter.application.ports.repositories import AuditFilter
from orbiter.application.providers import ProviderHandlers
from orbiter.application.sealing import Seals
from orbiter.application.vendors import Vendors
from orbiter.application.work import Work
from orbiter.domain.errors import Conflict, Forbidden, Invalid, NotFound, Unavailable
from orbiter.domain.identity import Actor, Role, permissions_of
from orbiter.domain.providers import Provider, ProviderStatus, ProviderType
from support.clock import ManualClock
from support.models import DOWN, REFUSED, LaidOutModels
from support.office import wrong_fields

KEY = "sk-very-secret-4711"
CIPHER = FernetCipher(["k" * 32])


class Desk:
    """Provider handlers over memory and laid out models."""

    def __init__(self) -> None:
        self.storage = MemoryStorage()
        self.clock = ManualClock()
        self.gateway = LaidOutModels(self.clock)
        self.vendors = Vendors(self.gateway, Seals(CIPHER))
        self.handlers = ProviderHandlers(Work(self.storage, self.clock, new_id), self.vendors)
        self.workspace_id = new_id()

    def actor(self, role: Role = Role.ADMIN) -> Actor:
        return Actor(
            user_id=new_id(),
            workspace_id=self.workspace_id,
            role=role,
            permissions=permissions_of(role),
        )

    async def have(self, **more: Any) -> Provider:
        given = {"name": "main", "provider_type": ProviderType.OPENAI, "api_key": KEY, **more}
        return await self.handlers.create(self.actor(), **given)

    async def key_of(self, provider: Provider) -> str | None:
        """Return the key that a vendor is shown."""
        kept = await self.handlers.get(self.actor(), provider.id)
        await self.vendors.models(kept, timeout_seconds=1)
        return self.gateway.calls[-1].key


@pytest.fixture
def desk() -> Desk:
    return Desk()


async def test_a_key_goes_to_the_vendor_and_nowhere_else(desk: Desk) -> None:
    made = await desk.have(base_url="https://eu.example.org", models=("a", "b"), priority=3)
    assert (made.api_key_set, made.api_key_hint) == (True, "…4711")
    assert (made.models, made.priority, made.max_retries) == (("a", "b"), 3, 3)
    assert await desk.handlers.get(desk.actor(Role.VIEWER), made.id) == made
    assert made.sealed_key is not None and KEY.encode() not in made.sealed_key
    assert KEY not in repr(made)
    assert await desk.key_of(made) == KEY
    assert desk.gateway.calls[-1].endpoint.base_url == "https://eu.example.org"


async def test_reading_is_for_all_and_the_rest_for_admins(desk: Desk) -> None:
    made = await desk.have()
    for role in (Role.VIEWER, Role.DEVELOPER):
        actor = desk.actor(role)
        assert (await desk.handlers.page(actor, PageRequest())).items == [made]
        assert await desk.handlers.models(actor, made.id) == ["large", "small"]
        for refused in (
            desk.handlers.create(actor, name="n", provider_type=ProviderType.ECHO),
            desk.handlers.revise(actor, made.id, enabled=False),
            desk.handlers.test(actor, made.id),
            desk.handlers.remove(actor, made.id),
        ):
            with pytest.raises(Forbidden):
                await refused
    assert (await desk.handlers.page(desk.actor(), PageRequest())).items == [made]


async def test_what_is_wrong_is_not_stored(desk: Desk) -> None:
    await desk.have()
    with pytest.raises(Conflict):
        await desk.have()
    for changes, field in (({"api_key": "a b"}, "api_key"), ({"name": "x:y"}, "name")):
        with pytest.raises(Invalid) as refused:
            await desk.have(**{"name": "other", **changes})
        assert set(wrong_fields(refused.value)) == {field}
    page = await desk.handlers.page(desk.actor(), PageRequest())
    assert page.total == 1
    with pytest.raises(Invalid):
        await desk.handlers.revise(desk.actor(), page.items[0].id, api_key="")
    assert await desk.key_of(page.items[0]) == KEY


async def test_a_key_is_kept_replaced_and_taken_away(desk: Desk) -> None:
    made, admin = await desk.have(), desk.actor()
    await desk.handlers.revise(admin, made.id, name="renamed")
    assert await desk.key_of(made) == KEY
    await desk.handlers.revise(admin, made.id, api_key="short")
    assert await desk.key_of(made) == "short"
    assert (await desk.handlers.get(admin, made.id)).api_key_hint is None
    revised = await desk.handlers.revise(admin, made.id, api_key=None)
    assert not revised.api_key_set
    assert await desk.key_of(made) is None


async def test_another_address_drops_the_key_unless_it_is_sent_again(desk: Desk) -> None:
    made, admin = await desk.have(), desk.actor()
    moved = await desk.handlers.revise(
        admin, made.id, base_url="https://eu.example.org", api_key=KEY
    )
    assert await desk.key_of(moved) == KEY
    stolen = await desk.handlers.revise(admin, made.id, base_url="https://evil.example.org")
    assert (stolen.api_key_set, await desk.key_of(stolen)) == (False, None)


async def test_a_test_tells_and_notes_how_it_went(desk: Desk) -> None:
    made, admin = await desk.have(timeout_seconds=600), desk.actor()
    passed = await desk.handlers.test(admin, made.id)
    assert (passed.success, passed.models, passed.error) == (True, ["large", "small"], None)
    kept = await desk.handlers.get(admin, made.id)
    assert (kept.status, kept.last_tested_at) == (ProviderStatus.CONNECTED, desk.clock.now())
    assert desk.gateway.calls[-1].endpoint.timeout_seconds == 30
    desk.gateway.fail(KEY, REFUSED)
    failed = await desk.handlers.test(admin, made.id)
    assert (failed.success, failed.models, failed.error) == (False, (), "who are you?")
    kept = await desk.handlers.get(admin, made.id)
    assert (kept.status, kept.last_error) == (ProviderStatus.ERROR, "who are you?")


async def test_a_test_takes_as_long_as_it_takes_and_says_so(desk: Desk) -> None:
    made = await desk.have()
    slow = SlowModels(desk.clock)
    handlers = ProviderHandlers(desk.handlers.work, Vendors(slow, Seals(CIPHER)))
    assert (await handlers.test(desk.actor(), made.id)).latency_ms == 1500


async def test_a_test_of_what_was_changed_meanwhile_is_not_noted(desk: Desk) -> None:
    made, admin = await desk.have(), desk.actor()
    slow = SlowModels(desk.clock, lambda: desk.handlers.revise(admin, made.id, api_key="other"))
    handlers = ProviderHandlers(desk.handlers.work, Vendors(slow, Seals(CIPHER)))
    assert (await handlers.test(admin, made.id)).success
    kept = await desk.handlers.get(admin, made.id)
    assert (kept.status, kept.last_tested_at) == (ProviderStatus.UNTESTED, None)
    assert await desk.key_of(made) == "other"


async def test_a_provider_removed_during_its_test_is_gone(desk: Desk) -> None:
    made, admin = await desk.have(), desk.actor()
    slow = SlowModels(desk.clock, lambda: desk.handlers.remove(admin, made.id))
    handlers = ProviderHandlers(desk.handlers.work, Vendors(slow, Seals(CIPHER)))
    with pytest.raises(NotFound):
        await handlers.test(admin, made.id)


async def test_a_vendor_that_tells_no_models_is_unavailable(desk: Desk) -> None:
    made = await desk.have()
    desk.gateway.fail(KEY, DOWN)
    with pytest.raises(Unavailable, match="did not tell its models: broken"):
        await desk.handlers.models(desk.actor(), made.id)
    assert len(desk.gateway.calls) == 1


async def test_a_key_that_no_secret_key_opens_is_told_to_be_sent_again(desk: Desk) -> None:
    made = await desk.have()
    rotated = Vendors(desk.gateway, Seals(FernetCipher(["n" * 32])))
    handlers = ProviderHandlers(desk.handlers.work, rotated)
    outcome = await handlers.test(desk.actor(), made.id)
    assert outcome.error == "The key of the provider main can't be read: send it again"
    assert desk.gateway.calls == []


async def test_the_audit_log_tells_what_was_done_and_no_key(desk: Desk) -> None:
    made, admin = await desk.have(), desk.actor()
    await desk.handlers.revise(admin, made.id, api_key=KEY + KEY)
    await desk.handlers.test(admin, made.id)
    await desk.handlers.remove(admin, made.id)
    async with desk.storage.open(desk.workspace_id, reading=True) as uow:
        page = await uow.audit_log.page(PageRequest(), AuditFilter(entity_id=made.id))
    assert [entry.action for entry in reversed(page.items)] == [
        "provider.created",
        "provider.updated",
        "provider.tested",
        "provider.deleted",
    ]
    assert KEY not in repr(page.items)


class SlowModels(LaidOutModels):
    """A vendor who takes a second and a half, in which something else happens."""

    def __init__(self, clock: ManualClock, meanwhile: Any = None) -> None:
        super().__init__(clock)
        self._meanwhile = meanwhile

    async def models(self, endpoint: Endpoint) -> Any:
        """Return what is on offer, late."""
        await self.clock.sleep(1.5)
        if self._meanwhile is not None:
            await self._meanwhile()
        return await super().models(endpoint)
