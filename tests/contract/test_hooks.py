"""Hooks: found by their token, touched, gone with their workflow."""

from dataclasses import replace

import pytest

from orbiter.adapters.system.ids import new_id
from orbiter.application.paging import PageRequest
from orbiter.application.ports.storage import Storage
from orbiter.application.ports.triggers import TriggerFilter
from orbiter.domain.errors import NotFound
from orbiter.domain.hooks import Hook
from support.builders import a_hash
from support.clock import START
from support.tenants import Tenant, found, ids


async def by_token(storage: Storage, token_hash: str) -> Hook | None:
    """Return the hook of a token, whatever its workspace."""
    async with storage.open("", reading=True) as uow:
        return await uow.credentials.by_hook(token_hash)


async def touched(storage: Storage, workspace_id: str, hook: Hook) -> bool:
    """Store a hook's last call."""
    async with storage.open(workspace_id) as uow:
        return await uow.hooks.touch(hook)


async def test_a_hook_is_found_by_its_token(storage: Storage, tenant: Tenant) -> None:
    hook = await tenant.stored(storage, "hooks", sealed_secret=bytes(range(256)))
    await tenant.stored(storage, "hooks")
    assert await by_token(storage, hook.token_hash) == hook
    for other in (a_hash(), "", "\0", hook.token_hash.upper()):
        assert await by_token(storage, other) is None


async def test_a_touched_hook_keeps_the_rest(storage: Storage, tenant: Tenant) -> None:
    hook = await tenant.stored(storage, "hooks")
    assert await touched(storage, tenant.id, replace(hook.touch(START), name="Something else"))
    assert await found(storage, tenant.id, "hooks", hook.id) == hook.touch(START)


async def test_what_is_anothers_or_gone_is_not_touched(
    storage: Storage, tenant: Tenant, stranger: Tenant
) -> None:
    hook = await tenant.stored(storage, "hooks")
    assert not await touched(storage, stranger.id, hook.touch(START))
    assert await found(storage, tenant.id, "hooks", hook.id) == hook
    async with storage.open(tenant.id) as uow:
        await uow.hooks.remove(hook.id)
    assert not await touched(storage, tenant.id, hook.touch(START))
    assert await by_token(storage, hook.token_hash) is None


async def test_hooks_go_with_their_workflow(storage: Storage, tenant: Tenant) -> None:
    hook = await tenant.stored(storage, "hooks")
    async with storage.open(tenant.id) as uow:
        await uow.workflows.remove(tenant.workflow.id)
    assert await by_token(storage, hook.token_hash) is None


async def test_a_hook_needs_a_workflow_of_its_workspace(
    storage: Storage, tenant: Tenant, stranger: Tenant
) -> None:
    for workflow_id in (new_id(), stranger.workflow.id):
        with pytest.raises(NotFound, match="Workflow"):
            await tenant.stored(storage, "hooks", workflow_id=workflow_id)


async def test_hooks_are_listed_by_workflow(storage: Storage, tenant: Tenant) -> None:
    hook = await tenant.stored(storage, "hooks")
    async with storage.open(tenant.id, reading=True) as uow:
        for workflow_id, expected in (
            (None, [hook.id]),
            (tenant.workflow.id, [hook.id]),
            (new_id(), []),
            ("\0", []),
        ):
            page = await uow.hooks.page(PageRequest(), TriggerFilter(workflow_id=workflow_id))
            assert ids(page.items) == expected
