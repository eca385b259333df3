"""Sessions and keys as they are presented."""

from dataclasses import replace
from datetime import timedelta

import pytest

from orbiter.domain.api_keys import TOUCH_EVERY as KEY_TOUCH
from orbiter.domain.errors import Unauthenticated
from orbiter.domain.identity import Role, Scope, permissions_of
from orbiter.domain.sessions import ABSOLUTE, SLIDING, TOUCH_EVERY
from orbiter.domain.users import UserStatus
from support.office import ADDRESS, Office

A_MOMENT = timedelta(milliseconds=1)


async def test_a_token_makes_an_actor_of_its_user(office: Office) -> None:
    await office.admin()
    signed_in = await office.sign_in("ada@example.org")
    actor = await office.authentication.by_session(signed_in.token, address=ADDRESS)
    user = signed_in.user
    assert (actor.user_id, actor.workspace_id, actor.role) == (
        user.id,
        user.workspace_id,
        user.role,
    )
    assert (actor.email, actor.address) == ("ada@example.org", ADDRESS)
    assert (actor.session_id, actor.api_key_id) == (signed_in.session.id, None)
    assert actor.permissions == permissions_of(Role.ADMIN)


async def test_a_session_ends_72_hours_after_its_last_use_to_the_moment(office: Office) -> None:
    await office.admin()
    token = (await office.sign_in("ada@example.org")).token
    for _ in range(3):
        office.clock.advance(SLIDING - A_MOMENT)
        await office.authentication.by_session(token)
    office.clock.advance(SLIDING)
    with pytest.raises(Unauthenticated):
        await office.authentication.by_session(token)


async def test_a_session_ends_30_days_after_it_began_however_busy(office: Office) -> None:
    await office.admin()
    token = (await office.sign_in("ada@example.org")).token
    for _ in range(29):
        office.clock.advance(timedelta(days=1))
        await office.authentication.by_session(token)
    office.clock.advance(ABSOLUTE - timedelta(days=29) - A_MOMENT)
    await office.authentication.by_session(token)
    office.clock.advance(A_MOMENT)
    with pytest.raises(Unauthenticated):
        await office.authentication.by_session(token)


async def test_who_puts_a_sessions_end_off_is_told_so(office: Office) -> None:
    await office.admin()
    token = (await office.sign_in("ada@example.org")).token
    assert not (await office.authentication.by_session(token)).renewed
    office.clock.advance(TOUCH_EVERY)
    assert (await office.authentication.by_session(token)).renewed
    assert not (await office.authentication.by_session(token)).renewed


async def test_a_busy_session_is_not_written_at_each_use(office: Office) -> None:
    await office.admin()
    signed_in = await office.sign_in("ada@example.org")
    ends = []
    for wait in (TOUCH_EVERY - A_MOMENT, A_MOMENT):
        office.clock.advance(wait)
        await office.authentication.by_session(signed_in.token)
        async with office.storage.open(signed_in.user.workspace_id, reading=True) as uow:
            ends.append((await uow.sessions.get(signed_in.session.id)).expires_at)
    assert ends == [signed_in.session.expires_at, signed_in.session.expires_at + TOUCH_EVERY]


async def test_who_is_not_active_is_nobody_whatever_is_presented(office: Office) -> None:
    admin = await office.admin()
    session = await office.sign_in("ada@example.org")
    made = await office.api_keys.create(admin, name="key")
    async with office.storage.open(admin.workspace_id) as uow:
        await uow.users.save(replace(session.user, status=UserStatus.INVITED))
    with pytest.raises(Unauthenticated):
        await office.authentication.by_session(session.token)
    with pytest.raises(Unauthenticated):
        await office.authentication.by_api_key(made.key)


@pytest.mark.parametrize("token", ["", "forged", "orb_forged", "\ud800"])
async def test_what_was_never_given_out_opens_nothing(office: Office, token: str) -> None:
    await office.admin()
    with pytest.raises(Unauthenticated):
        await office.authentication.by_session(token)
    with pytest.raises(Unauthenticated):
        await office.authentication.by_api_key(token)


async def test_a_session_is_no_key_and_a_key_no_session(office: Office) -> None:
    admin = await office.admin()
    token = (await office.sign_in("ada@example.org")).token
    key = (await office.api_keys.create(admin, name="key")).key
    with pytest.raises(Unauthenticated):
        await office.authentication.by_api_key(token)
    with pytest.raises(Unauthenticated):
        await office.authentication.by_session(key)


async def test_the_hash_that_is_kept_opens_nothing(office: Office) -> None:
    admin = await office.admin()
    session = (await office.sign_in("ada@example.org")).session
    api_key = (await office.api_keys.create(admin, name="key")).api_key
    with pytest.raises(Unauthenticated):
        await office.authentication.by_session(session.token_hash)
    with pytest.raises(Unauthenticated):
        await office.authentication.by_api_key(api_key.key_hash)


async def test_a_key_ends_when_it_was_told_to_to_the_moment(office: Office) -> None:
    end = office.clock.now() + timedelta(days=400)
    made = await office.api_keys.create(await office.admin(), name="key", expires_at=end)
    office.clock.advance(timedelta(days=400) - A_MOMENT)
    actor = await office.authentication.by_api_key(made.key)
    assert (actor.session_id, actor.api_key_id) == (None, made.api_key.id)
    office.clock.advance(A_MOMENT)
    with pytest.raises(Unauthenticated):
        await office.authentication.by_api_key(made.key)


async def test_a_key_remembers_its_last_use_to_the_minute(office: Office) -> None:
    admin = await office.admin()
    made = await office.api_keys.create(admin, name="key", scopes=[Scope.READ])
    seen = [(await office.api_keys.get(admin, made.api_key.id)).last_used_at]
    for wait in (timedelta(), KEY_TOUCH - A_MOMENT, A_MOMENT):
        office.clock.advance(wait)
        await office.authentication.by_api_key(made.key)
        seen.append((await office.api_keys.get(admin, made.api_key.id)).last_used_at)
    first = made.api_key.created_at
    assert seen == [None, first, first, first + KEY_TOUCH]
