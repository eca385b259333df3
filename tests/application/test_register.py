"""Registering: who may, where one lands, and what is refused."""

import asyncio
from datetime import timedelta

import pytest

from orbiter.application.credentials import NO_WORKSPACE
from orbiter.domain.errors import Conflict, Forbidden, Invalid
from orbiter.domain.identity import Actor, Role
from orbiter.domain.users import INVITE_VALID_FOR, Registration, User
from support.hashers import HeldHasher
from support.office import ADDRESS, PASSWORD, Office, wrong_fields


async def register(office: Office, email: str, token: str | None = None) -> User:
    return await office.accounts.register(
        email=email, password=PASSWORD, invite_token=token, address=ADDRESS
    )


async def invite(office: Office, admin: Actor, email: str = "grace@example.org") -> str:
    invitation = await office.members.invite(admin, email=email, role=Role.DEVELOPER)
    return invitation.invite_token


async def test_a_registrant_is_the_admin_of_a_workspace_of_its_own(office: Office) -> None:
    ada = await register(office, "ada@example.org")
    alan = await register(office, "alan@example.org")
    assert (ada.role, ada.active) == (Role.ADMIN, True)
    assert ada.workspace_id != alan.workspace_id


async def test_registering_begins_no_session(office: Office) -> None:
    await register(office, "ada@example.org")
    ada = await office.enter("ada@example.org")
    actions = [entry.action for entry in await office.audited(ada)]
    assert actions == ["user.registered", "session.started"]


async def test_it_is_audited_with_the_address_it_came_from(office: Office) -> None:
    await register(office, "ada@example.org")
    ada = await office.enter("ada@example.org")
    (entry,) = await office.audited(ada, action="user.registered")
    assert (entry.actor_id, entry.entity_type, entry.entity_id, entry.address) == (
        ada.user_id,
        "user",
        ada.user_id,
        ADDRESS,
    )


async def test_every_wrong_field_is_told_at_once(office: Office) -> None:
    with pytest.raises(Invalid) as refusal:
        await office.accounts.register(
            email="nobody", password="short", name="", invite_token="forged"
        )
    assert wrong_fields(refusal.value) == {
        "email": "value_error",
        "password": "string_too_short",
        "name": "string_too_short",
        "invite_token": "value_error",
    }


async def test_a_common_password_is_refused_whichever_its_case(office: Office) -> None:
    with pytest.raises(Invalid) as refusal:
        await office.accounts.register(email="ada@example.org", password="QwErTy123")
    assert wrong_fields(refusal.value) == {"password": "value_error"}


async def test_a_known_address_is_a_conflict_whichever_its_case(office: Office) -> None:
    await register(office, "ada@example.org")
    with pytest.raises(Conflict):
        await register(office, "ADA@Example.org")


async def test_of_two_who_register_one_address_at_once_one_gets_it(office: Office) -> None:
    tries = (register(office, email) for email in ("ada@example.org", "Ada@example.org"))
    made, refused = sorted(
        await asyncio.gather(*tries, return_exceptions=True),
        key=lambda outcome: isinstance(outcome, Exception),
    )
    assert isinstance(made, User)
    assert isinstance(refused, Conflict)
    async with office.storage.open(NO_WORKSPACE, reading=True) as uow:
        assert len(await uow.credentials.workspaces(10)) == 1


@pytest.mark.parametrize("mode", [Registration.INVITE, Registration.CLOSED])
async def test_the_very_first_user_may_always_register(office: Office, mode: Registration) -> None:
    office.registration = mode
    await register(office, "ada@example.org")
    with pytest.raises(Forbidden):
        await register(office, "alan@example.org")


@pytest.mark.parametrize("mode", [Registration.INVITE, Registration.CLOSED])
async def test_of_two_who_would_be_the_first_one_is(office: Office, mode: Registration) -> None:
    office.registration = mode
    tries = (register(office, f"{name}@example.org") for name in ("ada", "alan", "grace"))
    outcomes = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(outcome, User) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, Forbidden) for outcome in outcomes) == 2


async def test_where_registration_is_closed_nobody_learns_what_else_is_wrong(
    office: Office,
) -> None:
    office.registration = Registration.CLOSED
    await register(office, "ada@example.org")
    with pytest.raises(Forbidden):
        await office.accounts.register(email="nobody", password="short")


async def test_where_it_is_closed_an_invitation_opens_nothing(office: Office) -> None:
    token = await invite(office, await office.admin())
    office.registration = Registration.CLOSED
    with pytest.raises(Forbidden):
        await register(office, "grace@example.org", token)


@pytest.mark.parametrize("mode", [Registration.OPEN, Registration.INVITE])
async def test_the_invited_join_the_workspace_in_the_invited_role(
    office: Office, mode: Registration
) -> None:
    admin = await office.admin()
    token = await invite(office, admin)
    office.registration = mode
    joined = await register(office, "Grace@Example.org", token)
    assert (joined.workspace_id, joined.role) == (admin.workspace_id, Role.DEVELOPER)
    assert (await office.enter("grace@example.org")).user_id == joined.id


async def test_a_role_changed_since_the_invitation_is_the_one_joined_in(office: Office) -> None:
    admin = await office.admin()
    invitation = await office.members.invite(admin, email="grace@example.org", role=Role.DEVELOPER)
    await office.members.revise(admin, invitation.user.id, role=Role.VIEWER)
    joined = await register(office, "grace@example.org", invitation.invite_token)
    assert joined.role is Role.VIEWER


async def test_a_role_changed_while_joining_is_the_one_joined_in(office: Office) -> None:
    admin = await office.admin()
    invitation = await office.members.invite(admin, email="grace@example.org", role=Role.ADMIN)
    slow = office.passwords = HeldHasher()
    joining = asyncio.create_task(register(office, "grace@example.org", invitation.invite_token))
    await slow.reached.wait()
    await office.members.revise(admin, invitation.user.id, role=Role.VIEWER)
    slow.released.set()
    assert (await joining).role is Role.VIEWER


async def test_an_invitation_withdrawn_while_joining_is_void(office: Office) -> None:
    admin = await office.admin()
    invitation = await office.members.invite(admin, email="grace@example.org", role=Role.ADMIN)
    slow = office.passwords = HeldHasher()
    joining = asyncio.create_task(register(office, "grace@example.org", invitation.invite_token))
    await slow.reached.wait()
    await office.members.remove(admin, invitation.user.id)
    slow.released.set()
    with pytest.raises(Invalid) as refusal:
        await joining
    assert wrong_fields(refusal.value) == {"invite_token": "value_error"}


async def refused_token(office: Office, email: str, token: str) -> bool:
    with pytest.raises(Invalid) as refusal:
        await register(office, email, token)
    return wrong_fields(refusal.value) == {"invite_token": "value_error"}


async def test_an_invitation_is_for_its_address_alone(office: Office) -> None:
    token = await invite(office, await office.admin())
    assert await refused_token(office, "mallory@example.org", token)


async def test_an_invitation_is_good_for_seven_days_to_the_moment(office: Office) -> None:
    admin = await office.admin()
    late = await invite(office, admin, "late@example.org")
    in_time = await invite(office, admin, "grace@example.org")
    office.clock.advance(INVITE_VALID_FOR - timedelta(milliseconds=1))
    await register(office, "grace@example.org", in_time)
    office.clock.advance(timedelta(milliseconds=1))
    assert await refused_token(office, "late@example.org", late)


async def test_an_invitation_is_taken_up_once(office: Office) -> None:
    token = await invite(office, await office.admin())
    outcomes = await asyncio.gather(
        *(register(office, "grace@example.org", token) for _ in range(3)), return_exceptions=True
    )
    assert sum(isinstance(outcome, User) for outcome in outcomes) == 1
    assert await refused_token(office, "grace@example.org", token)


async def test_an_invitation_ends_with_the_invited(office: Office) -> None:
    admin = await office.admin()
    invitation = await office.members.invite(admin, email="grace@example.org", role=Role.VIEWER)
    await office.members.remove(admin, invitation.user.id)
    assert await refused_token(office, "grace@example.org", invitation.invite_token)


async def test_who_signs_in_elsewhere_can_not_join_with_the_same_address(office: Office) -> None:
    token = await invite(office, await office.admin())
    await register(office, "grace@example.org")
    with pytest.raises(Conflict):
        await register(office, "grace@example.org", token)


async def test_the_operator_makes_users_in_the_oldest_workspace(office: Office) -> None:
    first = await office.accounts.create(
        email="ada@example.org", password=PASSWORD, role=Role.ADMIN, name="Ada"
    )
    await register(office, "alan@example.org")
    second = await office.accounts.create(
        email="grace@example.org", password=PASSWORD, role=Role.VIEWER
    )
    assert second.workspace_id == first.workspace_id
    assert (await office.enter("grace@example.org")).role is Role.VIEWER


async def test_the_operator_is_told_every_wrong_field_and_what_is_known(office: Office) -> None:
    with pytest.raises(Invalid) as refusal:
        await office.accounts.create(email="ada", password="1", role=Role.ADMIN)
    assert wrong_fields(refusal.value).keys() == {"email", "password"}
    await register(office, "ada@example.org")
    with pytest.raises(Conflict):
        await office.accounts.create(email="ADA@example.org", password=PASSWORD, role=Role.ADMIN)
