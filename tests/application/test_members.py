"""Inviting people, their roles, and letting them go."""

import asyncio
from datetime import timedelta

import pytest

from orbiter.adapters.notification.smtp import SmtpMailer
from orbiter.application.paging import PageRequest
from orbiter.domain.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated
from orbiter.domain.identity import Permission, Role, Scope
from orbiter.domain.users import UserStatus
from support.identity import smtp_server
from support.office import PASSWORD, PUBLIC_URL, Office, wrong_fields


async def test_the_invited_are_members_who_can_not_sign_in_yet(office: Office) -> None:
    admin = await office.admin()
    invited = await office.members.invite(admin, email="grace@example.org", role=Role.VIEWER)
    page = await office.members.page(admin, PageRequest())
    assert {user.id for user in page.items} == {admin.user_id, invited.user.id}
    assert (await office.members.get(admin, invited.user.id)).status is UserStatus.INVITED
    with pytest.raises(Unauthenticated):
        await office.sign_in("grace@example.org")


async def test_the_invitation_is_mailed_with_its_token(office: Office) -> None:
    admin = await office.admin()
    invited = await office.members.invite(admin, email="grace@example.org", role=Role.VIEWER)
    ((to, text),) = await office.mailed()
    assert to == "grace@example.org"
    assert f"{PUBLIC_URL}register?invite_token={invited.invite_token}" in text


async def test_an_invitation_survives_the_failure_of_its_mail(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    admin = await office.admin()
    async with smtp_server(refuses=True) as server:
        office.mailer = SmtpMailer(
            f"smtp://127.0.0.1:{server.port}", sender="orbiter@example.org", clock=office.clock
        )
        invited = await office.members.invite(admin, email="grace@example.org", role=Role.VIEWER)
    await office.accounts.register(
        email="grace@example.org", password=PASSWORD, invite_token=invited.invite_token
    )
    assert "not mailed" in caplog.text
    assert invited.invite_token not in caplog.text


async def test_the_token_is_neither_kept_nor_printed(office: Office) -> None:
    admin = await office.admin()
    invited = await office.members.invite(admin, email="grace@example.org", role=Role.VIEWER)
    assert invited.invite_token not in repr(invited)
    assert invited.user.invite_token_hash == office.tokens.hash(invited.invite_token)
    assert invited.invite_token not in repr(await office.audited(admin))


async def test_what_is_no_address_is_not_invited(office: Office) -> None:
    admin = await office.admin()
    with pytest.raises(Invalid) as refusal:
        await office.members.invite(admin, email="nobody", role=Role.VIEWER)
    assert wrong_fields(refusal.value) == {"email": "value_error"}


@pytest.mark.parametrize("email", ["ADA@example.org", "Grace@Example.org"])
async def test_who_is_a_member_or_invited_is_a_conflict(office: Office, email: str) -> None:
    admin = await office.admin()
    await office.members.invite(admin, email="grace@example.org", role=Role.VIEWER)
    with pytest.raises(Conflict):
        await office.members.invite(admin, email=email, role=Role.VIEWER)


async def test_an_invitation_does_not_tell_who_is_a_member_elsewhere(office: Office) -> None:
    admin = await office.admin()
    await office.admin("alan@example.org")
    invited = await office.members.invite(admin, email="alan@example.org", role=Role.VIEWER)
    assert invited.user.status is UserStatus.INVITED


async def test_a_new_role_counts_at_once(office: Office) -> None:
    admin = await office.admin()
    await office.member(admin, Role.VIEWER, "grace@example.org")
    signed_in = await office.sign_in("grace@example.org")
    await office.members.revise(admin, signed_in.user.id, role=Role.DEVELOPER)
    grace = await office.authentication.by_session(signed_in.token)
    assert grace.role is Role.DEVELOPER
    assert grace.may(Permission.PROJECTS_WRITE)


async def test_what_is_not_given_stays(office: Office) -> None:
    admin = await office.admin()
    grace = await office.member(admin, Role.VIEWER, "grace@example.org")
    revised = await office.members.revise(admin, grace.user_id, email="grace@example.org")
    assert (revised.role, revised.email) == (Role.VIEWER, "grace@example.org")


async def test_nobody_else_moves_the_account_of_who_has_joined(office: Office) -> None:
    admin = await office.admin()
    grace = await office.member(admin, Role.VIEWER, "grace@example.org")
    with pytest.raises(Invalid) as refusal:
        await office.members.revise(admin, grace.user_id, email="mallory@example.org")
    assert wrong_fields(refusal.value) == {"email": "value_error"}


async def test_an_invitation_to_the_wrong_address_moves_and_the_old_token_is_void(
    office: Office,
) -> None:
    admin = await office.admin()
    wrong = await office.members.invite(admin, email="grcae@example.org", role=Role.VIEWER)
    office.clock.advance(timedelta(seconds=1))
    await office.members.revise(admin, wrong.user.id, email="grace@example.org")
    assert (await office.mailed())[-1][0] == "grace@example.org"
    with pytest.raises(Invalid):
        await office.accounts.register(
            email="grace@example.org", password=PASSWORD, invite_token=wrong.invite_token
        )
    joined = await office.accounts.register(
        email="grace@example.org",
        password=PASSWORD,
        invite_token=await office.mailed_token(),
    )
    assert joined.id == wrong.user.id


async def test_the_last_admin_stays_admin(office: Office) -> None:
    admin = await office.admin()
    await office.member(admin, Role.DEVELOPER)
    await office.members.invite(admin, email="invited@example.org", role=Role.ADMIN)
    with pytest.raises(Conflict):
        await office.members.remove(admin, admin.user_id)
    for role in (Role.VIEWER, Role.DEVELOPER):
        with pytest.raises(Conflict):
            await office.members.revise(admin, admin.user_id, role=role)
    assert (await office.members.revise(admin, admin.user_id, role=Role.ADMIN)).active


async def test_one_of_two_admins_may_leave(office: Office) -> None:
    admin = await office.admin()
    other = await office.member(admin, Role.ADMIN)
    await office.members.remove(admin, admin.user_id)
    with pytest.raises(Conflict):
        await office.members.remove(other, other.user_id)


async def test_an_admin_of_another_workspace_does_not_count(office: Office) -> None:
    admin = await office.admin()
    await office.admin("alan@example.org")
    with pytest.raises(Conflict):
        await office.members.remove(admin, admin.user_id)


async def test_of_two_admins_who_remove_each_other_at_once_one_stays(office: Office) -> None:
    one = await office.admin()
    other = await office.member(one, Role.ADMIN)
    outcomes = await asyncio.gather(
        office.members.remove(one, other.user_id),
        office.members.revise(other, one.user_id, role=Role.VIEWER),
        return_exceptions=True,
    )
    assert [type(outcome) for outcome in outcomes if outcome is not None] == [Conflict]
    async with office.storage.open(one.workspace_id, reading=True) as uow:
        assert await uow.users.active_admins() == 1


async def test_the_invited_may_be_uninvited_and_demoted(office: Office) -> None:
    admin = await office.admin()
    invited = await office.members.invite(admin, email="grace@example.org", role=Role.ADMIN)
    await office.members.revise(admin, invited.user.id, role=Role.VIEWER)
    await office.members.remove(admin, invited.user.id)
    with pytest.raises(NotFound):
        await office.members.get(admin, invited.user.id)


async def test_the_sessions_and_keys_of_a_removed_member_are_dead(office: Office) -> None:
    admin = await office.admin()
    grace = await office.member(admin, Role.DEVELOPER, "grace@example.org")
    signed_in = await office.sign_in("grace@example.org")
    key = (await office.api_keys.create(grace, name="key", scopes=list(Scope))).key
    await office.members.remove(admin, grace.user_id)
    with pytest.raises(Unauthenticated):
        await office.authentication.by_session(signed_in.token)
    with pytest.raises(Unauthenticated):
        await office.authentication.by_api_key(key)
    with pytest.raises(Unauthenticated):
        await office.sign_in("grace@example.org")


async def test_who_was_removed_may_be_invited_again(office: Office) -> None:
    admin = await office.admin()
    grace = await office.member(admin, Role.VIEWER, "grace@example.org")
    await office.members.remove(admin, grace.user_id)
    again = await office.member(admin, Role.DEVELOPER, "grace@example.org")
    assert again.role is Role.DEVELOPER


@pytest.mark.parametrize("role", [Role.VIEWER, Role.DEVELOPER])
async def test_who_is_no_admin_sees_members_and_changes_none(office: Office, role: Role) -> None:
    admin = await office.admin()
    member = await office.member(admin, role)
    assert (await office.members.page(member, PageRequest())).total == 2
    assert (await office.members.get(member, admin.user_id)).id == admin.user_id
    with pytest.raises(Forbidden):
        await office.members.invite(member, email="grace@example.org", role=Role.VIEWER)
    with pytest.raises(Forbidden):
        await office.members.revise(member, member.user_id, role=Role.ADMIN)
    with pytest.raises(Forbidden):
        await office.members.remove(member, admin.user_id)


async def test_every_change_is_audited(office: Office) -> None:
    admin = await office.admin()
    invited = await office.members.invite(admin, email="grace@example.org", role=Role.VIEWER)
    await office.members.revise(admin, invited.user.id, role=Role.DEVELOPER)
    await office.members.remove(admin, invited.user.id)
    entries = await office.audited(admin, entity_id=invited.user.id)
    assert [entry.action for entry in entries] == [
        "member.invited",
        "member.updated",
        "member.removed",
    ]
    assert {entry.actor_id for entry in entries} == {admin.user_id}


async def test_a_refused_change_is_not_told_as_done(office: Office) -> None:
    admin = await office.admin()
    with pytest.raises(Conflict):
        await office.members.remove(admin, admin.user_id)
    assert await office.audited(admin, entity_type="member") == []
