"""Secrets: one of a name in each place, seen from a project, gone with it, counted, sealed."""

import asyncio

import pytest

from orbiter.adapters.security.encryption import FernetCipher
from orbiter.adapters.system.clock import SystemClock
from orbiter.adapters.system.ids import new_id
from orbiter.application.paging import PageRequest
from orbiter.application.ports.secrets import SecretFilter
from orbiter.application.ports.storage import Storage
from orbiter.application.sealing import Seals
from orbiter.application.secrets import KIND
from orbiter.application.vault import Vault
from orbiter.domain.errors import Conflict, NotFound
from support.tenants import Tenant, found, ids

SEALS = Seals(FernetCipher(["k" * 32]))


async def seen(storage: Storage, workspace_id: str, project_id: str | None) -> list[str]:
    """Return the ids of the secrets that are seen from a project."""
    async with storage.open(workspace_id, reading=True) as uow:
        return ids(await uow.secrets.seen_by(project_id))


async def keep(storage: Storage, tenant: Tenant, name: str, value: str, **changes: str) -> None:
    """Store a secret of the workspace, sealed."""
    id = new_id()
    given = {"id": id, "name": name, "project_id": None, **changes}
    sealed = SEALS.seal(KIND, tenant.id, id, value)
    await tenant.stored(storage, "secrets", sealed_value=sealed, **given)


async def test_a_name_is_there_once_in_each_place(
    storage: Storage, tenant: Tenant, stranger: Tenant
) -> None:
    other = await tenant.stored(storage, "projects")
    for place in (None, tenant.project.id, other.id):
        await tenant.stored(storage, "secrets", name="TOKEN", project_id=place)
    await stranger.stored(storage, "secrets", name="TOKEN", project_id=None)
    for place in (None, tenant.project.id):
        with pytest.raises(Conflict, match="with this name already exists"):
            await tenant.stored(storage, "secrets", name="TOKEN", project_id=place)
        moved = await tenant.stored(storage, "secrets", project_id=place)
        with pytest.raises(Conflict, match="with this name already exists"):
            async with storage.open(tenant.id) as uow:
                await uow.secrets.save(moved.revise(at=moved.updated_at, name="TOKEN"))
        assert await found(storage, tenant.id, "secrets", moved.id) == moved


async def test_a_project_sees_its_own_behind_those_of_the_workspace(
    storage: Storage, tenant: Tenant, stranger: Tenant
) -> None:
    other = await tenant.stored(storage, "projects")
    own = await tenant.stored(storage, "secrets", name="TOKEN")
    wide = await tenant.stored(storage, "secrets", name="TOKEN", project_id=None)
    elsewhere = await tenant.stored(storage, "secrets", project_id=other.id)
    await stranger.stored(storage, "secrets", project_id=None)
    assert await seen(storage, tenant.id, tenant.project.id) == [wide.id, own.id]
    assert await seen(storage, tenant.id, other.id) == [wide.id, elsewhere.id]
    for nowhere in (None, new_id(), stranger.project.id, "", "\0", "\ud800"):
        assert await seen(storage, tenant.id, nowhere) == [wide.id]
    assert await seen(storage, stranger.id, tenant.project.id) != []
    assert own.id not in await seen(storage, stranger.id, tenant.project.id)


async def test_secrets_go_with_their_project(storage: Storage, tenant: Tenant) -> None:
    own = await tenant.stored(storage, "secrets")
    wide = await tenant.stored(storage, "secrets", project_id=None)
    async with storage.open(tenant.id) as uow:
        assert (await uow.projects.dependents(tenant.project.id))["secrets"] == 1
        await uow.projects.empty(tenant.project.id)
        assert "secrets" not in await uow.projects.dependents(tenant.project.id)
    with pytest.raises(NotFound):
        await found(storage, tenant.id, "secrets", own.id)
    own = await tenant.stored(storage, "secrets")
    async with storage.open(tenant.id) as uow:
        await uow.projects.remove(tenant.project.id)
    with pytest.raises(NotFound):
        await found(storage, tenant.id, "secrets", own.id)
    assert await found(storage, tenant.id, "secrets", wide.id) == wide


async def test_a_secret_needs_a_project_of_its_workspace(
    storage: Storage, tenant: Tenant, stranger: Tenant
) -> None:
    for project_id in (new_id(), stranger.project.id):
        with pytest.raises(NotFound, match="Project"):
            await tenant.stored(storage, "secrets", project_id=project_id)


async def test_secrets_are_listed_by_project(storage: Storage, tenant: Tenant) -> None:
    own = await tenant.stored(storage, "secrets")
    wide = await tenant.stored(storage, "secrets", project_id=None)
    async with storage.open(tenant.id, reading=True) as uow:
        for project_id, expected in (
            (None, [wide.id, own.id]),
            (tenant.project.id, [own.id]),
            (new_id(), []),
            ("\0", []),
        ):
            page = await uow.secrets.page(PageRequest(), SecretFilter(project_id=project_id))
            assert ids(page.items) == expected


async def test_who_counts_to_add_waits_for_whoever_did_so_before(
    storage: Storage, tenant: Tenant, stranger: Tenant
) -> None:
    await stranger.stored(storage, "secrets")

    async def add() -> int:
        async with storage.open(tenant.id) as uow:
            before = await uow.secrets.count()
            await uow.secrets.add(tenant.new("secrets"))
            return before

    assert sorted(await asyncio.gather(*(add() for _ in range(5)))) == list(range(5))
    async with storage.open(tenant.id, reading=True) as uow:
        assert await uow.secrets.count() == 5


async def test_the_vault_opens_what_a_project_sees(
    storage: Storage, tenant: Tenant, stranger: Tenant
) -> None:
    await keep(storage, tenant, "TOKEN", "of the workspace")
    await keep(storage, tenant, "TOKEN", "of the project", project_id=tenant.project.id)
    await keep(storage, tenant, "OTHER", "ö\n\U0001f511")
    await keep(storage, stranger, "STRANGE", "of a stranger")
    vault = Vault(storage, SEALS, SystemClock())
    opened = await vault.open(tenant.id, tenant.project.id)
    assert opened.values == {"TOKEN": "of the project", "OTHER": "ö\n\U0001f511"}
    assert opened.redacted(["it is of the project"]) == ["it is ***"]
    wide = await vault.open(tenant.id, None)
    assert wide.values == {"TOKEN": "of the workspace", "OTHER": "ö\n\U0001f511"}
    assert (await vault.open(new_id(), None)).values == {}


async def test_what_no_key_opens_or_was_sealed_for_another_is_left_out(
    storage: Storage, tenant: Tenant, stranger: Tenant
) -> None:
    id = new_id()
    foreign = SEALS.seal(KIND, stranger.id, id, "of a stranger")
    await tenant.stored(storage, "secrets", id=id, name="MOVED", sealed_value=foreign)
    await tenant.stored(storage, "secrets", name="BROKEN", sealed_value=b"no seal")
    await keep(storage, tenant, "BROKEN", "is not what the project's stands for")
    await keep(storage, tenant, "GOOD", "value")
    vault = Vault(storage, SEALS, SystemClock())
    assert (await vault.open(tenant.id, tenant.project.id)).values == {"GOOD": "value"}
