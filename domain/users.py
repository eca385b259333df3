"""A user: a member of one workspace, invited at first or active."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from orbiter.domain.checks import require, text_problems
from orbiter.domain.common_passwords import COMMON_PASSWORDS
from orbiter.domain.errors import FieldProblem
from orbiter.domain.identity import Role

EMAIL_MAX: Final = 254  # RFC 5321, 4.5.3.1.3, less the angle brackets
NAME_MAX: Final = 255
PASSWORD_MIN: Final = 8
PASSWORD_MAX: Final = 256
_EMAIL: Final = re.compile(r"[^\s@<>()\[\],;:\\\"\x00-\x1f]+@[^\s@.]+(\.[^\s@.]+)*", re.ASCII)


class UserStatus(StrEnum):
    """Whether the invitation has been taken up."""

    INVITED = "invited"
    ACTIVE = "active"


def same_email(email: str) -> str:
    """Return the form under which addresses are compared: case does not count."""
    return email.strip().casefold()


def email_problems(email: str, field: str = "email") -> Iterator[FieldProblem]:
    """Yield what is wrong with an address; only mail itself proves the rest."""
    if not _EMAIL.fullmatch(email) or len(email) > EMAIL_MAX:
        yield FieldProblem(field, "value is not a valid email address", "value_error")


def password_problems(password: str, field: str = "password") -> Iterator[FieldProblem]:
    """Yield why *password* may not be chosen: its length, or everybody has it (NIST SP 800-63B)."""
    yield from text_problems(field, password, minimum=PASSWORD_MIN, maximum=PASSWORD_MAX)
    if password.casefold() in COMMON_PASSWORDS:
        yield FieldProblem(field, "This password is too common", "value_error")


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A member of a workspace; *password_hash* is None until an invitation is taken up."""

    id: str
    workspace_id: str
    email: str
    name: str | None = None
    role: Role
    status: UserStatus = UserStatus.ACTIVE
    password_hash: str | None = None
    invite_token_hash: str | None = None
    invite_expires_at: datetime | None = None
    created_at: datetime
    updated_at: datetime

    def __post_init__(self) -> None:
        require(
            email_problems(self.email),
            text_problems("name", self.name, minimum=1, maximum=NAME_MAX),
        )

    @property
    def active(self) -> bool:
        """Say whether the user can sign in."""
        return self.status is UserStatus.ACTIVE

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

    def rename(self, name: str | None, *, at: datetime) -> "User":
        """Change the display name."""
        return replace(self, name=name, updated_at=at)

    def move(self, email: str, *, at: datetime) -> "User":
        """Change the address."""
        return replace(self, email=email, updated_at=at)

    def appoint(self, role: Role, *, at: datetime) -> "User":
        """Change the role."""
        return replace(self, role=role, updated_at=at)

    def with_password(self, password_hash: str, *, at: datetime) -> "User":
        """Change the password."""
        return replace(self, password_hash=password_hash, updated_at=at)
