"""Sessions, API keys and password resets as time passes."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orbiter.domain.api_keys import ApiKey
from orbiter.domain.errors import Invalid
from orbiter.domain.identity import Role
from orbiter.domain.password_resets import VALID_FOR, PasswordReset
from orbiter.domain.sessions import ABSOLUTE, SLIDING, TOUCH_EVERY, Session
from orbiter.domain.users import User

AT = datetime(2026, 11, 25, tzinfo=UTC)


def a_session() -> Session:
    return Session.begin(id="session", workspace_id="w", user_id="u", token_hash="hash", at=AT)


def a_key(**changes: Any) -> ApiKey:
    fields = {"id": "key", "workspace_id": "w", "created_by": "u", "name": "key"}
    secrets = {"prefix": "orb_12345678", "key_hash": "hash", "created_at": AT}
    return ApiKey(**{**fields, **secrets, **changes})


def a_user(changed_at: datetime = AT) -> User:
    return User.registered(
        id="u",
        workspace_id="w",
        email="ada@example.org",
        name=None,
        role=Role.VIEWER,
        password_hash="hash",
        at=changed_at,
    )


@given(st.lists(st.timedeltas(min_value=timedelta(), max_value=timedelta(days=10)), max_size=20))
def test_a_session_lives_as_long_as_it_is_used_but_never_30_days(uses: list[timedelta]) -> None:
    session, now = a_session(), AT
    for wait in uses:
        now += wait
        if session.expired(now):
            break
        session = session.touch(now)
        assert session.expires_at == min(now + SLIDING, AT + ABSOLUTE)
    assert session.expired(AT + ABSOLUTE)


def test_a_session_is_over_at_its_end_to_the_moment() -> None:
    assert not a_session().expired(AT + SLIDING - timedelta(microseconds=1))
    assert a_session().expired(AT + SLIDING)


@given(st.timedeltas(min_value=timedelta(), max_value=SLIDING))
def test_a_use_is_worth_a_write_every_five_minutes(wait: timedelta) -> None:
    assert a_session().needs_touch(AT + wait) == (wait >= TOUCH_EVERY)


@given(st.none() | st.timedeltas(min_value=timedelta(milliseconds=1), max_value=ABSOLUTE))
def test_a_key_is_over_at_its_end_if_it_has_one(life: timedelta | None) -> None:
    key = a_key(expires_at=None if life is None else AT + life)
    assert not key.expired(AT)
    assert key.expired(AT + (life or ABSOLUTE)) == (life is not None)


@pytest.mark.parametrize("end", [AT, AT - timedelta(days=1), datetime(2030, 1, 1)])
def test_a_key_ends_in_the_future_at_a_moment_that_is_one(end: datetime) -> None:
    with pytest.raises(Invalid):
        a_key(expires_at=end)


@given(
    st.timedeltas(min_value=timedelta(), max_value=2 * VALID_FOR),
    st.timedeltas(min_value=-VALID_FOR, max_value=VALID_FOR),
)
def test_a_reset_opens_for_an_hour_the_account_as_it_was(
    passed: timedelta, changed: timedelta
) -> None:
    reset = PasswordReset.begin(id="reset", user_id="u", token_hash="hash", at=AT)
    opens = reset.opens(a_user(AT + changed), AT + passed)
    assert opens == (passed < VALID_FOR and changed < timedelta())


def test_hashes_are_not_printed() -> None:
    reset = PasswordReset.begin(id="reset", user_id="u", token_hash="the-hash", at=AT)
    session = Session.begin(id="s", workspace_id="w", user_id="u", token_hash="the-hash", at=AT)
    assert "the-hash" not in repr([reset, session, a_key(key_hash="the-hash")])
