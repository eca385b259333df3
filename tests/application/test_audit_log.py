"""The audit log: who reads it, and what it says of refusals."""

from dataclasses import replace
from datetime import timedelta

import pytest

from orbiter.application.paging import PageRequest
from orbiter.application.ports.repositories import AuditFilter
from orbiter.domain.errors import Forbidden
from orbiter.domain.identity import Permission, Role, Scope
from support.office import ADDRESS, Office


@pytest.mark.parametrize("role", [Role.VIEWER, Role.DEVELOPER])
async def test_admins_alone_read_it(office: Office, role: Role) -> None:
    member = await office.member(await office.admin(), role)
    with pytest.raises(Forbidden):
        await office.audit_log.page(member, PageRequest(), AuditFilter())


async def test_an_admins_key_reads_it_with_the_scope_to_read(office: Office) -> None:
    admin = await office.admin()
    reading = await office.by_key(admin, Scope.READ)
    assert (await office.audit_log.page(reading, PageRequest(), AuditFilter())).total > 0
    writing = await office.by_key(admin, Scope.WRITE, Scope.RUN, Scope.CI)
    with pytest.raises(Forbidden):
        await office.audit_log.page(writing, PageRequest(), AuditFilter())


@pytest.mark.parametrize(
    ("permission", "kind"),
    [
        (Permission.PROJECTS_WRITE, "project"),
        (Permission.API_KEYS_MANAGE, "api_key"),
        (Permission.AUDIT_READ, "audit_log"),
        (Permission.CI_RUN, "ci"),
    ],
)
async def test_a_refusal_says_who_wanted_what_from_where(
    office: Office, permission: Permission, kind: str
) -> None:
    admin = await office.admin()
    viewer = await office.member(admin, Role.VIEWER, "grace@example.org")
    await office.audit_log.refused(viewer, permission)
    (entry,) = await office.audited(admin, action="access.refused")
    assert (entry.actor_id, entry.actor_email) == (viewer.user_id, "grace@example.org")
    assert (entry.entity_type, entry.entity_id, entry.address) == (kind, None, ADDRESS)


async def test_a_refused_key_is_named(office: Office) -> None:
    admin = await office.admin()
    by_key = await office.by_key(admin, Scope.CI)
    await office.audit_log.refused(by_key, Permission.PROJECTS_READ)
    (entry,) = await office.audited(admin, action="access.refused")
    assert entry.api_key_id == by_key.api_key_id


async def test_it_is_searched_by_every_filter(office: Office) -> None:
    ada = await office.admin()
    office.clock.advance(timedelta(hours=1))
    later = office.clock.now()
    await office.accounts.update(ada, name="Ada")
    only = AuditFilter(
        actor="ADA@example.org",
        action="user.updated",
        entity_type="user",
        entity_id=ada.user_id,
        created_after=later,
        created_before=later + timedelta(seconds=1),
    )
    (entry,) = (await office.audit_log.page(ada, PageRequest(), only)).items
    assert (entry.action, entry.created_at) == ("user.updated", later)
    for other in (
        replace(only, actor="grace@example.org"),
        replace(only, action="user.registered"),
        replace(only, entity_type="session"),
        replace(only, entity_id="another"),
        replace(only, created_after=later + timedelta(milliseconds=1)),
        replace(only, created_before=later),
    ):
        assert (await office.audit_log.page(ada, PageRequest(), other)).total == 0


async def test_it_outlives_whom_it_is_about(office: Office) -> None:
    admin = await office.admin()
    grace = await office.member(admin, Role.VIEWER, "grace@example.org")
    await office.members.remove(admin, grace.user_id)
    actions = [entry.action for entry in await office.audited(admin, actor=grace.user_id)]
    assert actions == ["user.registered", "session.started"]
