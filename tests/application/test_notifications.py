"""Notifications: reading one's own, with the permission to."""

from dataclasses import replace

import pytest

from orbiter.application.notifications import NotificationHandlers
from orbiter.application.paging import PageRequest
from orbiter.domain.errors import Forbidden, NotFound
from orbiter.domain.identity import Actor, Permission, Role, Scope
from orbiter.domain.notifications import Notification
from support.builders import a_notification
from support.office import Office


async def told(office: Office, *actors: Actor) -> list[Notification]:
    """Tell each of the actors something."""
    notifications = []
    async with office.storage.open(actors[0].workspace_id) as uow:
        for actor in actors:
            notifications.append(a_notification(await uow.users.get(actor.user_id)))
        await uow.notifications.tell(notifications)
    return notifications


async def test_a_colleague_sees_and_marks_nothing_of_anothers(office: Office) -> None:
    handlers = NotificationHandlers(office.work)
    ada = await office.admin()
    bob = await office.member(ada, Role.VIEWER)
    hers, his = await told(office, ada, bob)
    assert (await handlers.page(ada, PageRequest())).items == [hers]
    assert (await handlers.page(bob, PageRequest())).items == [his]
    for call in (handlers.require(ada, his.id), handlers.mark(ada, his.id, read=True)):
        with pytest.raises(NotFound, match="Notification not found"):
            await call
    await handlers.read_all(ada)
    assert (await handlers.page(bob, PageRequest(), unread=True)).items == [his]


async def test_marking_without_a_word_on_it_leaves_it_as_it_is(office: Office) -> None:
    handlers = NotificationHandlers(office.work)
    ada = await office.admin()
    (hers,) = await told(office, ada)
    read = await handlers.mark(ada, hers.id, read=True)
    assert read == hers.mark(read=True)
    assert await handlers.mark(ada, hers.id) == read
    assert (await handlers.page(ada, PageRequest())).items == [read]


async def test_marking_what_is_read_leaves_no_line_in_the_audit_log(office: Office) -> None:
    handlers = NotificationHandlers(office.work)
    ada = await office.admin()
    (hers,) = await told(office, ada)
    before = await office.audited(ada)
    await handlers.mark(ada, hers.id, read=True)
    await handlers.read_all(ada)
    assert await office.audited(ada) == before


async def test_each_call_needs_its_permission(office: Office) -> None:
    handlers = NotificationHandlers(office.work)
    ada = await office.admin()
    (hers,) = await told(office, ada)
    writer = await office.by_key(ada, Scope.WRITE)
    await handlers.require(writer, hers.id)
    with pytest.raises(Forbidden):
        await handlers.page(writer, PageRequest())
    reader = replace(ada, permissions=frozenset({Permission.NOTIFICATIONS_READ}))
    for call in (
        handlers.require(reader, hers.id),
        handlers.mark(reader, hers.id, read=True),
        handlers.read_all(reader),
    ):
        with pytest.raises(Forbidden):
            await call
