"""Users, their addresses and passwords."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orbiter.domain.errors import Invalid
from orbiter.domain.identity import Role
from orbiter.domain.users import (
    INVITE_VALID_FOR,
    User,
    UserStatus,
    account_problems,
    email_problems,
    invitation_problems,
    password_problems,
    same_email,
)

AT = datetime(2026, 11, 25, tzinfo=UTC)


def an_invited_user(**changes: Any) -> User:
    fields = {
        "id": "user",
        "workspace_id": "workspace",
        "email": "ada@example.org",
        "role": Role.VIEWER,
        "status": UserStatus.INVITED,
        "created_at": AT,
        "updated_at": AT,
    }
    return User(**{**fields, **changes}).invite("token-hash", at=AT)


@pytest.mark.parametrize(
    "email",
    [
        "",
        "ada",
        "ada@",
        "@example.org",
        "a b@example.org",
        "a@b@example.org",
        "ada@example",
        "ada@localhost",
        "ada@example.",
        "ada@.org",
        "ada@example..org",
        "ada@-example.org",
        "ada@example.o",
        "ada@127.0.0.1",
        "ada@exa_mple!.org",
        " ada@example.org",
        "ada@example.org\n",
        "ada\0@example.org",
        "ada\ud800@example.org",
        "ada@example.org>, <eve@example.org",
        "Ada <ada@example.org>",
        "ada\x85@example.org",
        ".ada@example.org",
        "ada.@example.org",
        "ada..lovelace@example.org",
        f"{'a' * 65}@example.org",
        f"{'ä' * 33}@example.org",
        f"ada@{'a.' * 124}org",
    ],
)
def test_what_is_no_address_is_refused(email: str) -> None:
    assert [problem.type for problem in email_problems(email)] == ["value_error"]


@pytest.mark.parametrize(
    "email",
    [
        "ada@example.org",
        "Ada.Lovelace+orbiter@mail.example.co.uk",
        "o'hara@example.org",
        "1@2.example",
        "ada@xn--bcher-kva.example",
        "käthe@bücher.example",
        f"{'a' * 64}@example.org",
        f"ada@{'a.' * 123}org",
    ],
)
def test_what_mail_can_reach_is_an_address(email: str) -> None:
    assert list(email_problems(email)) == []


@pytest.mark.parametrize("email", ["a@" + "a." * 200_000, "a@" + "a" * 400_000, "a" * 1_000_000])
def test_a_monstrous_address_is_refused_at_once(email: str) -> None:
    assert list(email_problems(email))


def test_addresses_are_compared_without_case() -> None:
    assert same_email("Ada@Example.org") == same_email(" ada@example.ORG ")


def test_addresses_that_only_look_different_to_a_machine_are_the_same() -> None:
    assert same_email("K\u00c4the@example.org") == same_email("ka\u0308the@example.org")


@pytest.mark.parametrize(
    ("password", "types"),
    [
        ("short", ["string_too_short"]),
        ("seven77", ["string_too_short"]),
        ("eight888", []),
        ("x" * 256, []),
        ("x" * 257, ["string_too_long"]),
        ("Password123", ["value_error"]),
        ("correct-horse-battery-9", []),
        ("ein langes Passwort", []),
        ("пароль-и-лошадь", []),
    ],
)
def test_a_password_needs_length_and_must_not_be_everybodys(
    password: str, types: list[str]
) -> None:
    assert [problem.type for problem in password_problems(password)] == types


def test_everything_wrong_with_an_account_is_told_at_once() -> None:
    problems = account_problems("ada", "1", "")
    assert [problem.field for problem in problems] == ["email", "password", "name"]


@pytest.mark.parametrize("change", [{"email": "ada"}, {"name": ""}, {"name": "x" * 256}])
def test_a_user_is_never_in_a_state_that_breaks_a_rule(change: dict[str, Any]) -> None:
    user = an_invited_user().join(name="Ada", password_hash="hash", at=AT)
    with pytest.raises(Invalid):
        user.revise(at=AT, **change)


def test_who_joins_can_sign_in_and_the_invitation_is_used_up() -> None:
    later = AT + timedelta(days=1)
    joined = an_invited_user().join(name="Ada", password_hash="hash", at=later)
    assert (joined.active, joined.name, joined.password_hash) == (True, "Ada", "hash")
    assert (joined.invite_token_hash, joined.invite_expires_at) == (None, None)
    assert joined.updated_at == later


def test_who_joins_without_a_name_keeps_the_one_that_is_known() -> None:
    joined = an_invited_user(name="Ada").join(name=None, password_hash="hash", at=AT)
    assert joined.name == "Ada"


@given(st.timedeltas(min_value=timedelta(), max_value=2 * INVITE_VALID_FOR))
def test_an_invitation_is_good_for_its_address_until_it_expires(passed: timedelta) -> None:
    problems = list(invitation_problems(an_invited_user(), "ADA@example.org", AT + passed))
    assert (problems == []) == (passed < INVITE_VALID_FOR)


def test_an_invitation_is_for_nobody_else_and_none_is_for_nobody() -> None:
    assert list(invitation_problems(an_invited_user(), "eve@example.org", AT))
    assert list(invitation_problems(None, "ada@example.org", AT))


def test_hashes_are_not_printed() -> None:
    user = an_invited_user().with_password("password-hash", at=AT)
    assert "password-hash" not in repr(user)
    assert "token-hash" not in repr(user)
