"""API keys: who makes them, what they hold, who sees and revokes them."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from orbiter.application.paging import PageRequest
from orbiter.domain.errors import Forbidden, Invalid, NotFound, Unauthenticated
from orbiter.domain.identity import Actor, Permission, Role, Scope, permissions_of
from support.office import ADDRESS, Office, wrong_fields


async def make(office: Office, actor: Actor, *scopes: Scope) -> str:
    """Make a key and return its id."""
    made = await office.api_keys.create(actor, name="key", scopes=scopes or None)
    return made.api_key.id


async def test_a_key_is_shown_once_and_kept_as_a_hash(office: Office) -> None:
    made = await office.api_keys.create(await office.admin(), name="key")
    assert made.key.startswith("orb_")
    assert made.key.startswith(made.api_key.prefix)
    assert len(made.api_key.prefix) == 12
    assert made.api_key.key_hash == office.tokens.hash(made.key)
    assert made.key not in repr(made)
    assert made.api_key.key_hash not in repr(made)


async def test_a_key_opens_the_ci_routes_unless_more_is_asked_for(office: Office) -> None:
    made = await office.api_keys.create(await office.admin(), name="key")
    actor = await office.authentication.by_api_key(made.key)
    assert made.api_key.scopes == (Scope.CI,)
    assert actor.permissions == {Permission.CI_READ, Permission.CI_RUN}


async def test_a_scope_named_twice_counts_once(office: Office) -> None:
    made = await office.api_keys.create(
        await office.admin(), name="key", scopes=[Scope.RUN, Scope.READ, Scope.RUN]
    )
    assert made.api_key.scopes == (Scope.RUN, Scope.READ)


async def test_every_wrong_field_is_told_at_once(office: Office) -> None:
    with pytest.raises(Invalid) as refusal:
        await office.api_keys.create(
            await office.admin(), name="", scopes=[], expires_at=office.clock.now()
        )
    assert wrong_fields(refusal.value) == {
        "name": "string_too_short",
        "scopes": "too_short",
        "expires_at": "datetime_future",
    }


async def test_an_end_is_kept_in_utc(office: Office) -> None:
    east = timezone(timedelta(hours=2))
    made = await office.api_keys.create(
        await office.admin(), name="key", expires_at=datetime(2030, 1, 1, tzinfo=east)
    )
    assert made.api_key.expires_at == datetime(2029, 12, 31, 22, tzinfo=UTC)
    assert made.api_key.expires_at.tzinfo is UTC


async def test_an_end_beyond_all_time_is_refused(office: Office) -> None:
    west = timezone(timedelta(hours=-1))
    with pytest.raises(Invalid) as refusal:
        await office.api_keys.create(
            await office.admin(), name="key", expires_at=datetime.max.replace(tzinfo=west)
        )
    assert wrong_fields(refusal.value) == {"expires_at": "value_error"}


async def test_an_end_without_a_time_zone_is_refused(office: Office) -> None:
    with pytest.raises(Invalid) as refusal:
        await office.api_keys.create(
            await office.admin(), name="key", expires_at=datetime(2030, 1, 1)
        )
    assert wrong_fields(refusal.value) == {"expires_at": "timezone_aware"}


async def test_a_viewer_makes_no_key(office: Office) -> None:
    viewer = await office.member(await office.admin(), Role.VIEWER)
    with pytest.raises(Forbidden):
        await make(office, viewer)


@pytest.mark.parametrize("held", Scope)
@pytest.mark.parametrize("wanted", Scope)
async def test_a_key_gives_no_scope_away_that_it_has_not(
    office: Office, held: Scope, wanted: Scope
) -> None:
    by_key = await office.by_key(await office.admin(), held)
    if held is wanted is Scope.WRITE:
        assert await make(office, by_key, wanted)
    else:
        with pytest.raises(Forbidden):
            await make(office, by_key, wanted)


async def test_a_key_with_every_scope_gives_every_scope_away(office: Office) -> None:
    by_key = await office.by_key(await office.admin(), *Scope)
    assert await make(office, by_key, *Scope)


async def test_a_key_made_by_a_key_does_not_outlive_it(office: Office) -> None:
    admin = await office.admin()
    end = office.clock.now() + timedelta(days=1)
    made = await office.api_keys.create(admin, name="key", scopes=[Scope.WRITE], expires_at=end)
    by_key = await office.authentication.by_api_key(made.key)
    for later in (None, end + timedelta(milliseconds=1)):
        with pytest.raises(Invalid) as refusal:
            await office.api_keys.create(
                by_key, name="heir", scopes=[Scope.WRITE], expires_at=later
            )
        assert wrong_fields(refusal.value) == {"expires_at": "value_error"}
    heir = await office.api_keys.create(by_key, name="heir", scopes=[Scope.WRITE], expires_at=end)
    assert heir.api_key.expires_at == end


async def test_a_key_holds_no_more_than_its_creators_role_does_now(office: Office) -> None:
    admin = await office.admin()
    grace = await office.member(admin, Role.DEVELOPER)
    made = await office.api_keys.create(grace, name="key", scopes=list(Scope))
    for role in Role:
        await office.members.revise(admin, grace.user_id, role=role)
        actor = await office.authentication.by_api_key(made.key)
        assert actor.permissions == permissions_of(role)


async def test_who_is_no_admin_sees_the_own_keys_alone(office: Office) -> None:
    admin = await office.admin()
    grace = await office.member(admin, Role.DEVELOPER)
    hers, theirs = await make(office, grace), await make(office, admin)
    seen = await office.api_keys.page(grace, PageRequest())
    assert ([key.id for key in seen.items], seen.total) == ([hers], 1)
    assert (await office.api_keys.get(grace, hers)).id == hers
    with pytest.raises(NotFound):
        await office.api_keys.get(grace, theirs)
    with pytest.raises(NotFound):
        await office.api_keys.remove(grace, theirs)


async def test_an_admin_sees_and_revokes_everybodys(office: Office) -> None:
    admin = await office.admin()
    grace = await office.member(admin, Role.DEVELOPER)
    hers, theirs = await make(office, grace), await make(office, admin)
    seen = await office.api_keys.page(admin, PageRequest())
    assert {key.id for key in seen.items} == {hers, theirs}
    assert (await office.api_keys.get(admin, hers)).created_by == grace.user_id
    await office.api_keys.remove(admin, hers)
    with pytest.raises(NotFound):
        await office.api_keys.get(admin, hers)


async def test_an_admins_reading_key_sees_the_admins_own_alone(office: Office) -> None:
    admin = await office.admin()
    grace = await office.member(admin, Role.DEVELOPER)
    hers = await make(office, grace)
    reading = await office.by_key(admin, Scope.READ)
    seen = await office.api_keys.page(reading, PageRequest())
    assert [key.id for key in seen.items] == [reading.api_key_id]
    with pytest.raises(NotFound):
        await office.api_keys.get(reading, hers)


async def test_a_revoked_key_is_dead(office: Office) -> None:
    admin = await office.admin()
    made = await office.api_keys.create(admin, name="key")
    await office.api_keys.remove(admin, made.api_key.id)
    with pytest.raises(Unauthenticated):
        await office.authentication.by_api_key(made.key)
    with pytest.raises(NotFound):
        await office.api_keys.remove(admin, made.api_key.id)


async def test_making_and_revoking_are_audited(office: Office) -> None:
    admin = await office.admin()
    made = await office.api_keys.create(admin, name="key", scopes=[Scope.WRITE])
    by_key = await office.authentication.by_api_key(made.key, address=ADDRESS)
    await office.api_keys.remove(by_key, made.api_key.id)
    created, revoked = await office.audited(admin, entity_type="api_key")
    assert (created.action, created.entity_id) == ("api_key.created", made.api_key.id)
    assert (revoked.action, revoked.api_key_id) == ("api_key.revoked", made.api_key.id)
    assert made.key not in repr([created, revoked])
