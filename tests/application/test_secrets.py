"""Secrets: made by those who write, named to those who read, told to nobody."""

from datetime import timedelta
from typing import Final

import pytest

from orbiter.adapters.memory.storage import MemoryStorage
from orbiter.adapters.security.encryption import FernetCipher
from orbiter.adapters.system.ids import new_id
from orbiter.application.paging import PageRequest
from orbiter.application.ports.repositories import AuditFilter
from orbiter.application.ports.secrets import SecretFilter
from orbiter.application.sealing import Seals
from orbiter.application.secrets import SecretHandlers
from orbiter.application.vault import Vault
from orbiter.application.work import Work
from orbiter.domain.errors import Conflict, Forbidden, Invalid
from orbiter.domain.identity import Actor, Permission, Role, permissions_of
from orbiter.domain.secrets import PER_WORKSPACE_MAX, VALUE_MAX
from support.clock import START, ManualClock
from support.office import wrong_fields
from support.tenants import Tenant, settle
from support.triggers import developer_of

VALUE: Final = "correct-horse-battery-staple"


class Safe:
    """Secrets over a storage in memory."""

    def __init__(self) -> None:
        self.storage = MemoryStorage()
        self.clock = ManualClock()
        seals = Seals(FernetCipher(["k" * 32]))
        self.secrets = SecretHandlers(Work(self.storage, self.clock, new_id), seals)
        self.vault = Vault(self.storage, seals, self.clock)

    async def values(self, tenant: Tenant) -> dict[str, str]:
        """Return what the tenant's project sees."""
        return dict((await self.vault.open(tenant.id, tenant.project.id)).values)


@pytest.fixture
def safe() -> Safe:
    return Safe()


@pytest.fixture
async def tenant(safe: Safe) -> Tenant:
    return await settle(safe.storage)


@pytest.fixture
def developer(tenant: Tenant) -> Actor:
    return developer_of(tenant)


async def test_a_value_is_sealed_and_opened_by_the_vault_alone(
    safe: Safe, tenant: Tenant, developer: Actor
) -> None:
    secret = await safe.secrets.create(developer, name="TOKEN", value=VALUE)
    assert (secret.created_by, secret.created_at, secret.project_id) == (
        developer.user_id,
        START,
        None,
    )
    assert VALUE not in repr(secret) and VALUE.encode() not in secret.sealed_value
    assert await safe.secrets.get(developer, secret.id) == secret
    assert await safe.values(tenant) == {"TOKEN": VALUE}


async def test_what_has_not_changed_is_not_opened_again_however_long(
    safe: Safe, tenant: Tenant, developer: Actor
) -> None:
    project = tenant.project.id
    for number in range(20):
        secret = await safe.secrets.create(developer, name=f"S{number}", value="x" * VALUE_MAX)
    opened = await safe.vault.open(tenant.id, project)
    assert await safe.vault.open(tenant.id, project) is opened
    await safe.secrets.revise(developer, secret.id, value=VALUE)
    assert (await safe.values(tenant))["S19"] == VALUE


async def test_what_others_have_opened_since_is_kept_in_its_place(
    safe: Safe, tenant: Tenant, developer: Actor
) -> None:
    other = await settle(safe.storage)
    await safe.secrets.create(developer_of(other), name="TOKEN", value=VALUE)
    secret = await safe.secrets.create(developer, name="TOKEN", value=VALUE)
    before = await safe.vault.open(other.id, None)
    for _ in range(64):
        await safe.secrets.revise(developer, secret.id, value=VALUE)
        assert await safe.values(tenant) == {"TOKEN": VALUE}
    after = await safe.vault.open(other.id, None)
    assert after == before and after is not before


async def test_a_secret_is_changed_renamed_and_removed(
    safe: Safe, tenant: Tenant, developer: Actor
) -> None:
    secret = await safe.secrets.create(
        developer, name="TOKEN", value=VALUE, project_id=tenant.project.id
    )
    safe.clock.advance(timedelta(seconds=1))
    renamed = await safe.secrets.revise(developer, secret.id, name="KEY")
    assert (renamed.updated_at, renamed.created_at) == (START + timedelta(seconds=1), START)
    assert await safe.values(tenant) == {"KEY": VALUE}
    await safe.secrets.revise(developer, secret.id, value="another value")
    assert await safe.values(tenant) == {"KEY": "another value"}
    await safe.secrets.remove(developer, secret.id)
    assert await safe.values(tenant) == {}


async def test_everything_wrong_is_told_at_once_and_nothing_kept(
    safe: Safe, tenant: Tenant, developer: Actor
) -> None:
    with pytest.raises(Invalid) as refusal:
        await safe.secrets.create(developer, name="no", value="abc", project_id=new_id())
    assert wrong_fields(refusal.value) == {
        "project_id": "value_error",
        "name": "string_pattern_mismatch",
        "value": "string_too_short",
    }
    secret = await safe.secrets.create(developer, name="TOKEN", value=VALUE)
    for name, value in (("no", None), (None, ""), ("", "abc")):
        with pytest.raises(Invalid):
            await safe.secrets.revise(developer, secret.id, name=name, value=value)
    assert await safe.values(tenant) == {"TOKEN": VALUE}


async def test_a_taken_name_is_a_conflict(safe: Safe, tenant: Tenant, developer: Actor) -> None:
    await safe.secrets.create(developer, name="TOKEN", value=VALUE)
    other = await safe.secrets.create(developer, name="OTHER", value=VALUE)
    with pytest.raises(Conflict, match="this name"):
        await safe.secrets.create(developer, name="TOKEN", value="another value")
    with pytest.raises(Conflict, match="this name"):
        await safe.secrets.revise(developer, other.id, name="TOKEN", value="another value")
    assert await safe.values(tenant) == {"TOKEN": VALUE, "OTHER": VALUE}


async def test_there_is_room_for_so_many(safe: Safe, tenant: Tenant, developer: Actor) -> None:
    async with safe.storage.open(tenant.id) as uow:
        for _ in range(PER_WORKSPACE_MAX - 1):
            await uow.secrets.add(tenant.new("secrets"))
    last = await safe.secrets.create(developer, name="LAST", value=VALUE)
    with pytest.raises(Conflict, match="at most 500"):
        await safe.secrets.create(developer, name="MORE", value=VALUE)
    await safe.secrets.remove(developer, last.id)
    await safe.secrets.create(developer, name="MORE", value=VALUE)


async def test_a_viewer_reads_names_and_changes_nothing(
    safe: Safe, tenant: Tenant, developer: Actor
) -> None:
    secret = await safe.secrets.create(developer, name="TOKEN", value=VALUE)
    viewer = developer_of(tenant, role=Role.VIEWER, permissions=permissions_of(Role.VIEWER))
    page = await safe.secrets.page(viewer, PageRequest(), SecretFilter())
    assert [each.name for each in page.items] == ["TOKEN"]
    for attempt in (
        safe.secrets.create(viewer, name="MINE", value=VALUE),
        safe.secrets.revise(viewer, secret.id, value="mine"),
        safe.secrets.remove(viewer, secret.id),
    ):
        with pytest.raises(Forbidden):
            await attempt
    assert await safe.values(tenant) == {"TOKEN": VALUE}


async def test_the_audit_log_tells_who_did_what_and_no_value(
    safe: Safe, tenant: Tenant, developer: Actor
) -> None:
    secret = await safe.secrets.create(developer, name="TOKEN", value=VALUE)
    await safe.secrets.revise(developer, secret.id, value="another value")
    await safe.secrets.remove(developer, secret.id)
    async with safe.storage.open(tenant.id, reading=True) as uow:
        request = PageRequest(newest_first=False)
        entries = (await uow.audit_log.page(request, AuditFilter())).items
    assert [(each.action, each.entity_id) for each in entries] == [
        ("secret.created", secret.id),
        ("secret.updated", secret.id),
        ("secret.deleted", secret.id),
    ]
    assert VALUE not in repr(entries) and "another value" not in repr(entries)


def test_writing_secrets_is_for_developers() -> None:
    assert Permission.SECRETS_WRITE in permissions_of(Role.DEVELOPER)
    assert Permission.SECRETS_WRITE not in permissions_of(Role.VIEWER)
