"""Addresses and passwords."""

import pytest

from orbiter.domain.users import email_problems, password_problems, same_email


@pytest.mark.parametrize("email", ["ada", "ada@", "@example.org", "a b@example.org", "a@b@c"])
def test_what_is_no_address_is_refused(email: str) -> None:
    assert list(email_problems(email))


def test_addresses_are_compared_without_case() -> None:
    assert same_email("Ada@Example.org") == same_email(" ada@example.ORG ")


@pytest.mark.parametrize(
    ("password", "types"),
    [
        ("short", ["string_too_short"]),
        ("x" * 257, ["string_too_long"]),
        ("Password123", ["value_error"]),
        ("correct-horse-battery-9", []),
    ],
)
def test_a_password_needs_length_and_must_not_be_everybodys(
    password: str, types: list[str]
) -> None:
    assert [problem.type for problem in password_problems(password)] == types
