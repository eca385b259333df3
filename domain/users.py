"""A user: a member of one workspace, active or invited for a start."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, TypedDict, Unpack
from unicodedata import normalize

from orbiter.domain.checks import require, text_problems
from orbiter.domain.common_passwords import COMMON_PASSWORDS
from orbiter.domain.errors import FieldProblem
from orbiter.domain.identity import Role

EMAIL_MAX: Final = 254  # RFC 5321, 4.5.3.1.3, less the angle brackets
LOCAL_PART_MAX: Final = 64  # octets: RFC 5321, 4.5.3.1.1
NAME_MAX: Final = 255
PASSWORD_MIN: Final = 8
PASSWORD_MAX: Final = 256
INVITE_VALID_FOR: Final = timedelta(days=7)
UNUSABLE_INVITATION: Final = FieldProblem(
    "invite_token", "The invitation is unknown, used or expired"
)
# A local part without quotes, and a domain with a dot; letters of every script on both sides.
_WORD: Final = r"[^\s.@<>()\[\],;:\\\"\x00-\x1f\x7f-\x9f\ud800-\udfff]+"
_EMAIL: Final = re.compile(
    rf"{_WORD}(?:\.{_WORD})*"
    r"@(?:[^\W_](?:[\w-]*[^\W_])?\.)+[^\W\d_][\w-]*[^\W_]"
)


class Registration(StrEnum):
    """Who may make an account: anybody, the invited, or nobody; the very first user always may."""

    OPEN = "open"
    INVITE = "invite"
    CLOSED = "closed"


class UserStatus(StrEnum):
    """Whether the invitation has been taken up."""

    INVITED = "invited"
    ACTIVE = "active"


def same_email(email: str) -> str:
    """Return the form under which addresses are compared.

    Case does not count, nor which of the ways to write an accented letter was taken.
    """
    return normalize("NFC", normalize("NFC", email.strip()).casefold())


def email_problems(email: str, field: str = "email") -> Iterator[FieldProblem]:
    """Yield what is wrong with an address; only mail itself proves the rest."""
    # The length first: it bounds how far the pattern can go back.
    right = len(email) <= EMAIL_MAX and _EMAIL.fullmatch(email)
    if not right or len(email.partition("@")[0].encode()) > LOCAL_PART_MAX:
        yield FieldProblem(field, "value is not a valid email address", "value_error")


def name_problems(name: str | None) -> Iterator[FieldProblem]:
    """Yield what is wrong with a display name."""
    yield from text_problems("name", name, minimum=1, maximum=NAME_MAX)


def password_problems(password: str, field: str = "password") -> Iterator[FieldProblem]:
    """Yield why *password* may not be chosen: its length, or everybody has it (NIST SP 800-63B)."""
    yield from text_problems(field, password, minimum=PASSWORD_MIN, maximum=PASSWORD_MAX)
    if password.casefold() in COMMON_PASSWORDS:
        yield FieldProblem(field, "This password is too common", "value_error")


def account_problems(email: str, password: str, name: str | None) -> Iterator[FieldProblem]:
    """Yield everything that is wrong with what somebody registers with."""
    yield from email_problems(email)
    yield from password_problems(password)
    yield from name_problems(name)


class UserChanges(TypedDict, total=False):
    """Fields that may be revised; an absent key means leave it alone."""

    name: str | None
    email: str
    role: Role


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A member of a workspace; *password_hash* is None until an invitation is taken up."""

    id: str
    workspace_id: str
    email: str
    name: str | None = None
    role: Role
    status: UserStatus = UserStatus.ACTIVE
    password_hash: str | None = field(default=None, repr=False)
    invite_token_hash: str | None = field(default=None, repr=False)
    invite_expires_at: datetime | None = None
    created_at: datetime
    updated_at: datetime

    def __post_init__(self) -> None:
        require(email_problems(self.email), name_problems(self.name))

    @property
    def active(self) -> bool:
        """Say whether the user can sign in."""
        return self.status is UserStatus.ACTIVE

    @classmethod
    def registered(
        cls,
        *,
        id: str,
        workspace_id: str,
        email: str,
        name: str | None,
        role: Role,
        password_hash: str,
        at: datetime,
    ) -> "User":
        """Return somebody who can sign in from *at* on."""
        return cls(
            id=id,
            workspace_id=workspace_id,
            email=email,
            name=name,
            role=role,
            password_hash=password_hash,
            created_at=at,
            updated_at=at,
        )

    def invite(self, token_hash: str, *, at: datetime) -> "User":
        """Return the user with a new invitation; an earlier one is void."""
        return replace(
            self,
            invite_token_hash=token_hash,
            invite_expires_at=at + INVITE_VALID_FOR,
            updated_at=at,
        )

    def join(self, *, name: str | None, password_hash: str, at: datetime) -> "User":
        """Take up the invitation."""
        return replace(
            self,
            name=name or self.name,
            status=UserStatus.ACTIVE,
            password_hash=password_hash,
            invite_token_hash=None,
            invite_expires_at=None,
            updated_at=at,
        )

    def revise(self, *, at: datetime, **changes: Unpack[UserChanges]) -> "User":
        """Return the user with *changes* applied."""
        return replace(self, updated_at=at, **changes)

    def with_password(self, password_hash: str, *, at: datetime) -> "User":
        """Change the password."""
        return replace(self, password_hash=password_hash, updated_at=at)


def invitation_problems(invited: User | None, email: str, at: datetime) -> Iterator[FieldProblem]:
    """Yield why *email* can't join as *invited*, the user found by an invite token."""
    if invited is None or invited.invite_expires_at is None or invited.invite_expires_at <= at:
        yield UNUSABLE_INVITATION
    elif same_email(invited.email) != same_email(email):
        yield FieldProblem("invite_token", "The invitation is for another email address")
