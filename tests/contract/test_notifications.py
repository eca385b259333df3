"""Notifications: told once, each member's own, bounded, gone with their member and their run."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from orbiter.adapters.sql.storage import SqlStorage
from orbiter.adapters.system.ids import new_id
from orbiter.application.paging import Page, PageRequest
from orbiter.application.ports.notifications import NotificationFilter
from orbiter.application.ports.storage import Storage
from orbiter.application.retention import BATCH_SIZE, Retention
from orbiter.domain.errors import NotFound
from orbiter.domain.notifications import PER_MEMBER_MAX, Notification
from orbiter.domain.users import User
from support.builders import a_notification, a_run
from support.clock import START, ManualClock
from support.tenants import Tenant, found, ids, settle

DAY = timedelta(days=1)


async def told(storage: Storage, tenant: Tenant, *notifications: Notification) -> None:
    """Tell in a unit of work of its own."""
    async with storage.open(tenant.id) as uow:
        await uow.notifications.tell(notifications)


async def kept(
    storage: Storage, user: User, unread: bool | None = None, **request: object
) -> Page[Notification]:
    """Return a page of a member's notifications."""
    only = NotificationFilter(user_id=user.id, unread=unread)
    wanted = PageRequest(**{"limit": 100, **request})  # type: ignore[arg-type]
    async with storage.open(user.workspace_id, reading=True) as uow:
        return await uow.notifications.page(wanted, only)


async def unread(storage: Storage, user: User) -> Sequence[str]:
    """Return the ids of what a member has not read, newest first."""
    return ids((await kept(storage, user, unread=True)).items)


async def test_each_member_has_a_list_of_the_own(storage: Storage, tenant: Tenant) -> None:
    bob = await tenant.stored(storage, "users")
    mine, his = a_notification(tenant.user), a_notification(bob)
    await told(storage, tenant, mine, his)
    assert (await kept(storage, tenant.user)).items == [mine]
    assert (await kept(storage, bob)).items == [his]
    for nobody in (new_id(), "", "\0"):
        assert (await kept(storage, replace(bob, id=nobody))).total == 0


async def test_what_was_told_is_not_told_again(storage: Storage, tenant: Tenant) -> None:
    first = a_notification(tenant.user)
    await told(storage, tenant, first)
    async with storage.open(tenant.id) as uow:
        await uow.notifications.read_all(tenant.user.id)
    second = a_notification(tenant.user)
    again = replace(first, message="Again")
    await told(storage, tenant, again, second, second)
    assert (await kept(storage, tenant.user)).items == [second, first.mark(read=True)]


async def test_of_no_notifications_nothing_comes(storage: Storage, tenant: Tenant) -> None:
    await told(storage, tenant)
    assert (await kept(storage, tenant.user)).total == 0


async def test_who_is_gone_or_a_stranger_is_told_nothing_and_the_others_are(
    storage: Storage, tenant: Tenant, stranger: Tenant
) -> None:
    mine = a_notification(tenant.user)
    for nobody in (new_id(), stranger.user.id):
        await told(storage, tenant, a_notification(replace(tenant.user, id=nobody)), mine)
    assert (await kept(storage, tenant.user)).items == [mine]
    assert (await kept(storage, stranger.user)).total == 0


async def test_about_a_run_that_is_gone_or_a_strangers_nothing_is_told(
    storage: Storage, tenant: Tenant, stranger: Tenant
) -> None:
    theirs = await stranger.stored(storage, "runs")
    for run_id in (new_id(), theirs.id):
        await told(storage, tenant, a_notification(tenant.user, run_id=run_id))
    assert (await kept(storage, tenant.user)).total == 0


async def test_they_are_listed_as_read_or_not(storage: Storage, tenant: Tenant) -> None:
    read, new = a_notification(tenant.user, read=True), a_notification(tenant.user)
    await told(storage, tenant, read, new)
    for wanted, expected in ((None, [new, read]), (True, [new]), (False, [read])):
        page = await kept(storage, tenant.user, unread=wanted)
        assert (page.items, page.total) == (expected, len(expected))


async def test_they_come_in_pages_each_once(storage: Storage, tenant: Tenant) -> None:
    new = [a_notification(tenant.user) for _ in range(5)]
    await told(storage, tenant, *new, a_notification(tenant.user, read=True))
    seen: list[str] = []
    after = None
    while True:
        page = await kept(storage, tenant.user, unread=True, limit=2, after=after)
        assert page.total == 5
        seen += ids(page.items)
        if page.next_after is None:
            break
        after = page.next_after
    assert seen == [each.id for each in reversed(new)]


async def test_reading_all_is_ones_own_affair(
    storage: Storage, tenant: Tenant, stranger: Tenant
) -> None:
    bob = await tenant.stored(storage, "users")
    his, hers = a_notification(bob), a_notification(stranger.user)
    await told(storage, tenant, a_notification(tenant.user), a_notification(tenant.user), his)
    await told(storage, stranger, hers)
    async with storage.open(tenant.id) as uow:
        for user_id in (tenant.user.id, stranger.user.id, "", "\0"):
            await uow.notifications.read_all(user_id)
    assert await unread(storage, tenant.user) == []
    assert (await kept(storage, tenant.user)).total == 2
    assert await unread(storage, bob) == [his.id]
    assert await unread(storage, stranger.user) == [hers.id]


async def test_what_is_settled_is_read_by_everybody(
    storage: Storage, tenant: Tenant, stranger: Tenant
) -> None:
    bob = await tenant.stored(storage, "users")
    run, other = await tenant.stored(storage, "runs"), await tenant.stored(storage, "runs")
    step = new_id()
    asked = [a_notification(each, run_id=run.id, step_id=step) for each in (tenant.user, bob)]
    another = a_notification(bob, run_id=run.id, step_id=new_id())
    elsewhere = a_notification(bob, run_id=other.id, step_id=step)
    await told(storage, tenant, *asked, another, elsewhere)
    async with storage.open(stranger.id) as uow:
        await uow.notifications.settle(run.id, step)
    assert len(await unread(storage, bob)) == 3
    async with storage.open(tenant.id) as uow:
        await uow.notifications.settle(run.id, step)
        for nonsense in ("", "\0"):
            await uow.notifications.settle(nonsense, nonsense)
    assert await unread(storage, tenant.user) == []
    assert await unread(storage, bob) == [elsewhere.id, another.id]


async def test_of_too_many_the_oldest_go(storage: Storage, tenant: Tenant) -> None:
    bob = await tenant.stored(storage, "users")
    his = a_notification(bob)
    await told(storage, tenant, his)
    old = [a_notification(tenant.user) for _ in range(PER_MEMBER_MAX)]
    await told(storage, tenant, *old)
    assert (await kept(storage, tenant.user)).total == PER_MEMBER_MAX
    new = [a_notification(tenant.user) for _ in range(3)]
    await told(storage, tenant, *new)
    assert (await kept(storage, tenant.user)).total == PER_MEMBER_MAX
    for gone in old[:3]:
        with pytest.raises(NotFound):
            await found(storage, tenant.id, "notifications", gone.id)
    for stays in (old[3], *new):
        assert await found(storage, tenant.id, "notifications", stays.id) == stays
    assert (await kept(storage, bob)).items == [his]


async def test_they_go_with_their_member(storage: Storage, tenant: Tenant) -> None:
    bob = await tenant.stored(storage, "users")
    mine, his = a_notification(tenant.user), a_notification(bob)
    await told(storage, tenant, mine, his)
    async with storage.open(tenant.id) as uow:
        await uow.users.remove(bob.id)
    assert (await kept(storage, bob)).total == 0
    assert (await kept(storage, tenant.user)).items == [mine]


async def test_they_go_with_their_run(storage: Storage, tenant: Tenant) -> None:
    run, other = await tenant.stored(storage, "runs"), await tenant.stored(storage, "runs")
    gone = a_notification(tenant.user, run_id=run.id)
    stays = [a_notification(tenant.user, run_id=run_id) for run_id in (other.id, None)]
    await told(storage, tenant, gone, *stays)
    async with storage.open(tenant.id) as uow:
        await uow.runs.remove(run.id)
    assert ids((await kept(storage, tenant.user)).items) == [stays[1].id, stays[0].id]
    async with storage.open(tenant.id) as uow:
        await uow.projects.empty(tenant.project.id)
    assert (await kept(storage, tenant.user)).items == [stays[1]]


async def test_they_stay_when_their_workflow_goes(storage: Storage, tenant: Tenant) -> None:
    mine = a_notification(tenant.user, workflow_id=tenant.workflow.id)
    await told(storage, tenant, mine)
    async with storage.open(tenant.id) as uow:
        await uow.workflows.remove(tenant.workflow.id)
    assert (await kept(storage, tenant.user)).items == [mine]


async def test_old_ones_are_swept_in_every_workspace(
    storage: Storage, tenant: Tenant, stranger: Tenant
) -> None:
    young = a_notification(tenant.user, created_at=START + 2 * DAY)
    old = [a_notification(tenant.user) for _ in range(BATCH_SIZE + 1)]
    await told(storage, tenant, *old, young)
    await told(storage, stranger, a_notification(stranger.user))
    clock = ManualClock(START + 30 * DAY)
    assert await Retention(storage, clock, 0).sweep() == 0
    assert await Retention(storage, clock, 30).sweep() == 0
    clock.advance(DAY)
    assert await Retention(storage, clock, 30).sweep() == BATCH_SIZE + 2
    assert (await kept(storage, tenant.user)).items == [young]
    assert (await kept(storage, stranger.user)).total == 0


async def test_a_run_takes_its_notifications_along_when_it_is_swept(
    storage: Storage, tenant: Tenant
) -> None:
    run = a_run(tenant.project)
    async with storage.open(tenant.id) as uow:
        await uow.runs.add(run.start(at=START).complete(None, at=START))
    late = a_notification(tenant.user, run_id=run.id, created_at=START + 2 * DAY)
    await told(storage, tenant, late)
    await Retention(storage, ManualClock(START + 31 * DAY), 30).sweep()
    assert (await kept(storage, tenant.user)).total == 0


async def test_one_process_sweeps_at_a_time(postgresql_url: str) -> None:
    first, second = SqlStorage.connect(postgresql_url), SqlStorage.connect(postgresql_url)
    tenant = await settle(first)
    await told(first, tenant, a_notification(tenant.user), a_notification(tenant.user))
    async with first.open("") as uow:
        assert await uow.credentials.remove_old_notifications(START + DAY, limit=1) == 1
        async with second.open("") as other:
            assert await other.credentials.remove_old_notifications(START + DAY, limit=9) == 0
    assert (await kept(first, tenant.user)).total == 1
    for storage in (first, second):
        await storage.close()


async def test_a_member_who_leaves_meanwhile_is_waited_for(postgresql_url: str) -> None:
    storage = SqlStorage.connect(postgresql_url)
    tenant = await settle(storage)
    bob = await tenant.stored(storage, "users")
    mine = a_notification(tenant.user)
    async with storage.open(tenant.id) as uow:
        await uow.users.remove(bob.id)
        telling = asyncio.ensure_future(told(storage, tenant, mine, a_notification(bob)))
        done, _ = await asyncio.wait({telling}, timeout=0.2)
        assert not done
    await telling
    assert (await kept(storage, tenant.user)).items == [mine]
    await storage.close()


async def test_what_only_reads_tells_and_marks_nothing(storage: Storage, tenant: Tenant) -> None:
    async with storage.open(tenant.id, reading=True) as uow:
        for change in (
            uow.notifications.tell([a_notification(tenant.user)]),
            uow.notifications.read_all(tenant.user.id),
            uow.notifications.settle(new_id(), new_id()),
        ):
            with pytest.raises(RuntimeError, match="opened for reading"):
                await change
