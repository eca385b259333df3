"""Signing in and out, the own profile and password."""

import asyncio
from datetime import timedelta

import pytest

from orbiter.application.login import REFUSAL_SECONDS
from orbiter.application.paging import PageRequest
from orbiter.domain.errors import Conflict, Forbidden, Invalid, Unauthenticated
from orbiter.domain.identity import Role, Scope
from support.hashers import HeldHasher, WatchfulHasher
from support.office import ADDRESS, CHEAP, PASSWORD, Office, wrong_fields

OTHER_PASSWORD = "staple-battery-horse-7"


async def refusal_of(office: Office, email: str, password: str) -> tuple[str, timedelta]:
    began = office.clock.now()
    with pytest.raises(Unauthenticated) as refusal:
        await office.sign_in(email, password)
    return refusal.value.message, office.clock.now() - began


async def test_a_sign_in_is_a_session_of_72_hours(office: Office) -> None:
    await office.admin()
    signed_in = await office.sign_in("ADA@example.org")
    assert signed_in.user.email == "ada@example.org"
    assert signed_in.session.expires_at - office.clock.now() == timedelta(hours=72)


async def test_every_sign_in_has_a_token_of_its_own(office: Office) -> None:
    await office.admin()
    first, second = await office.sign_in("ada@example.org"), await office.sign_in("ada@example.org")
    assert first.token != second.token
    for signed_in in (first, second):
        actor = await office.authentication.by_session(signed_in.token)
        assert actor.session_id == signed_in.session.id


async def test_a_token_is_neither_kept_nor_printed(office: Office) -> None:
    await office.admin()
    signed_in = await office.sign_in("ada@example.org")
    assert signed_in.token not in repr(signed_in)
    assert signed_in.session.token_hash == office.tokens.hash(signed_in.token)
    assert signed_in.session.token_hash not in repr(signed_in)


async def test_refusals_are_alike_in_word_and_time(office: Office) -> None:
    admin = await office.admin()
    await office.members.invite(admin, email="grace@example.org", role=Role.VIEWER)
    refusals = {
        await refusal_of(office, "ada@example.org", "wrong-password"),
        await refusal_of(office, "nobody@example.org", PASSWORD),
        await refusal_of(office, "grace@example.org", PASSWORD),
        await refusal_of(office, "no address\0", PASSWORD),
        await refusal_of(office, "", ""),
    }
    assert refusals == {
        ("The email or the password is wrong", timedelta(seconds=REFUSAL_SECONDS)),
    }


async def test_a_password_is_hashed_whoever_is_refused(office: Office) -> None:
    await office.admin()
    watched = office.passwords = WatchfulHasher(office.storage)
    await refusal_of(office, "ada@example.org", "wrong-password")
    await refusal_of(office, "nobody@example.org", "wrong-password")
    assert watched.calls == 2


async def test_no_unit_of_work_is_open_while_a_password_is_hashed(office: Office) -> None:
    watched = office.passwords = WatchfulHasher(office.storage)
    ada = await office.admin()
    await office.accounts.update(ada, email="ada@example.com", current_password=PASSWORD)
    await office.accounts.change_password(
        ada, current_password=PASSWORD, new_password=OTHER_PASSWORD
    )
    office.clock.advance(timedelta(milliseconds=1))
    await office.accounts.forgot_password(email="ada@example.com")
    await office.accounts.reset_password(token=await office.mailed_token(), new_password=PASSWORD)
    await office.accounts.create(email="alan@example.org", password=PASSWORD, role=Role.VIEWER)
    assert watched.calls == 7


async def test_sign_ins_are_audited_the_refused_ones_too(office: Office) -> None:
    ada = await office.admin()
    await refusal_of(office, "Ada@example.org", "wrong-password")
    started, refused = await office.audited(ada, entity_type="session")
    assert (started.action, started.entity_id) == ("session.started", ada.session_id)
    assert (refused.action, refused.actor_email, refused.address) == (
        "session.refused",
        "ada@example.org",
        ADDRESS,
    )


async def test_a_refused_sign_in_is_seen_in_the_own_workspace_alone(office: Office) -> None:
    await office.admin()
    alan = await office.admin("alan@example.org")
    await refusal_of(office, "ada@example.org", "wrong-password")
    assert await office.audited(alan, action="session.refused") == []


async def test_signing_in_forgets_the_sessions_that_have_expired(office: Office) -> None:
    ada = await office.admin()
    office.clock.advance(timedelta(hours=72))
    again = await office.enter("ada@example.org")
    page = await office.sessions.page(again, PageRequest())
    assert [session.id for session in page.items] == [again.session_id]
    assert ada.session_id != again.session_id


async def test_who_signs_out_is_out(office: Office) -> None:
    await office.admin()
    signed_in = await office.sign_in("ada@example.org")
    ada = await office.authentication.by_session(signed_in.token)
    await office.accounts.logout(ada)
    with pytest.raises(Unauthenticated):
        await office.authentication.by_session(signed_in.token)
    (entry,) = await office.audited(ada, action="session.ended")
    assert entry.entity_id == ada.session_id


async def test_signing_out_twice_at_once_is_no_error(office: Office) -> None:
    ada = await office.admin()
    await asyncio.gather(*(office.accounts.logout(ada) for _ in range(3)))
    assert len(await office.audited(ada, action="session.ended")) == 1


async def test_a_key_has_no_session_to_sign_out_of(office: Office) -> None:
    by_key = await office.by_key(await office.admin(), Scope.WRITE)
    with pytest.raises(Forbidden):
        await office.accounts.logout(by_key)


@pytest.mark.parametrize("role", Role)
async def test_everybody_sees_and_renames_oneself(office: Office, role: Role) -> None:
    member = await office.member(await office.admin(), role)
    renamed = await office.accounts.update(member, name="Grace")
    assert renamed == await office.accounts.me(member)
    assert (renamed.name, renamed.role) == ("Grace", role)
    assert (await office.accounts.update(member, name=None)).name is None


async def test_what_is_not_given_stays(office: Office) -> None:
    ada = await office.admin()
    await office.accounts.update(ada, name="Ada")
    await office.accounts.update(ada, email="ada@example.com", current_password=PASSWORD)
    me = await office.accounts.me(ada)
    assert (me.name, me.email) == ("Ada", "ada@example.com")
    assert (await office.enter("ada@example.com")).user_id == ada.user_id


@pytest.mark.parametrize(("password", "type"), [(None, "missing"), ("wrong", "value_error")])
async def test_another_address_needs_the_password(
    office: Office, password: str | None, type: str
) -> None:
    ada = await office.admin()
    with pytest.raises(Invalid) as refusal:
        await office.accounts.update(ada, name="", email="nobody", current_password=password)
    assert wrong_fields(refusal.value) == {
        "name": "string_too_short",
        "email": "value_error",
        "current_password": type,
    }


async def test_the_same_address_needs_none(office: Office) -> None:
    ada = await office.admin()
    await office.accounts.update(ada, name="Ada", email="ada@example.org")
    assert (await office.accounts.me(ada)).name == "Ada"


async def test_an_address_somebody_signs_in_with_is_a_conflict(office: Office) -> None:
    ada = await office.admin()
    await office.admin("alan@example.org")
    with pytest.raises(Conflict):
        await office.accounts.update(ada, email="ALAN@example.org", current_password=PASSWORD)
    assert (await office.accounts.me(ada)).email == "ada@example.org"


async def test_a_new_password_replaces_the_old_one(office: Office) -> None:
    ada = await office.admin()
    await office.accounts.change_password(
        ada, current_password=PASSWORD, new_password=OTHER_PASSWORD
    )
    await refusal_of(office, "ada@example.org", PASSWORD)
    await office.enter("ada@example.org", OTHER_PASSWORD)


async def test_a_new_password_ends_the_other_sessions(office: Office) -> None:
    ada = await office.admin()
    elsewhere = await office.sign_in("ada@example.org")
    await office.accounts.change_password(
        ada, current_password=PASSWORD, new_password=OTHER_PASSWORD
    )
    with pytest.raises(Unauthenticated):
        await office.authentication.by_session(elsewhere.token)
    page = await office.sessions.page(ada, PageRequest())
    assert [session.id for session in page.items] == [ada.session_id]


async def test_a_new_password_by_key_ends_all_sessions(office: Office) -> None:
    ada = await office.admin()
    by_key = await office.by_key(ada, Scope.WRITE)
    await office.accounts.change_password(
        by_key, current_password=PASSWORD, new_password=OTHER_PASSWORD
    )
    assert (await office.sessions.page(ada, PageRequest())).total == 0


async def test_other_peoples_sessions_go_on(office: Office) -> None:
    ada = await office.admin()
    grace = await office.member(ada, Role.VIEWER)
    await office.accounts.change_password(
        ada, current_password=PASSWORD, new_password=OTHER_PASSWORD
    )
    assert (await office.sessions.page(grace, PageRequest())).total == 1


async def test_a_password_is_changed_by_who_knows_it(office: Office) -> None:
    ada = await office.admin()
    with pytest.raises(Invalid) as refusal:
        await office.accounts.change_password(
            ada, current_password="wrong", new_password="password"
        )
    assert wrong_fields(refusal.value) == {
        "current_password": "value_error",
        "new_password": "value_error",
    }
    await office.enter("ada@example.org")


async def test_of_two_new_passwords_at_once_one_counts(office: Office) -> None:
    ada = await office.admin()
    wanted = [f"staple-battery-horse-{number}" for number in range(3)]
    outcomes = await asyncio.gather(
        *(
            office.accounts.change_password(ada, current_password=PASSWORD, new_password=password)
            for password in wanted
        ),
        return_exceptions=True,
    )
    assert sum(isinstance(outcome, Conflict) for outcome in outcomes) == 2
    await office.enter("ada@example.org", wanted[outcomes.index(None)])


async def test_a_sign_in_with_the_old_password_does_not_outlive_it(office: Office) -> None:
    ada = await office.admin()
    slow = office.passwords = HeldHasher()
    entering = asyncio.create_task(office.sign_in("ada@example.org"))
    await slow.reached.wait()
    office.passwords = CHEAP
    await office.accounts.change_password(
        ada, current_password=PASSWORD, new_password=OTHER_PASSWORD
    )
    slow.released.set()
    with pytest.raises(Unauthenticated):
        await entering


async def test_a_sign_in_of_somebody_removed_meanwhile_is_refused(office: Office) -> None:
    ada = await office.admin()
    grace = await office.member(ada, Role.VIEWER, "grace@example.org")
    slow = office.passwords = HeldHasher()
    entering = asyncio.create_task(office.sign_in("grace@example.org"))
    await slow.reached.wait()
    await office.members.remove(ada, grace.user_id)
    slow.released.set()
    with pytest.raises(Unauthenticated):
        await entering


async def test_changes_are_audited_and_hold_no_secret(office: Office) -> None:
    ada = await office.admin()
    await office.accounts.update(ada, name="Ada")
    await office.accounts.change_password(
        ada, current_password=PASSWORD, new_password=OTHER_PASSWORD
    )
    entries = await office.audited(ada)
    assert [entry.action for entry in entries][-2:] == ["user.updated", "password.changed"]
    assert all(entry.entity_id == ada.user_id for entry in entries[-2:])
    assert PASSWORD not in repr(entries)
    assert OTHER_PASSWORD not in repr(entries)
