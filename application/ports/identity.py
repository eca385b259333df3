"""Credentials: how passwords and tokens are made, hashed and counted."""

from dataclasses import dataclass
from typing import Protocol


class PasswordHasher(Protocol):
    """Slow, salted hashes, computed off the event loop."""

    async def hash(self, password: str) -> str:
        """Return a hash to keep."""
        ...

    async def verify(self, password: str, kept: str | None) -> bool:
        """Say whether *password* is the one; takes as long when nothing is *kept*."""
        ...


class Tokens(Protocol):
    """Random secrets that are shown once and kept as hashes."""

    def new(self) -> str:
        """Return 256 random bits, safe in a URL."""
        ...

    def hash(self, token: str) -> str:
        """Return what is kept of a token, 64 characters."""
        ...

    def sign(self, purpose: str, text: str) -> str:
        """Return a MAC of *text* that this installation alone can make."""
        ...

    def signed(self, purpose: str, text: str, mac: str) -> bool:
        """Say in constant time whether *mac* is that of *text*, under any key still known."""
        ...


class Cipher(Protocol):
    """Encryption at rest, under a key that can be rotated."""

    def encrypt(self, plain: bytes) -> bytes:
        """Return what may be stored."""
        ...

    def decrypt(self, sealed: bytes) -> bytes:
        """Return the plain bytes, or raise ValueError when no key fits."""
        ...

    def rotate(self, sealed: bytes) -> bytes:
        """Return the same under the newest key, *sealed* itself if it is; or raise ValueError."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """At most *amount* hits in any *seconds*."""

    amount: int
    seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What a rate leaves after a hit; *reset_after* is in whole seconds, at least 1."""

    allowed: bool
    limit: int
    remaining: int
    reset_after: int


class RateLimiter(Protocol):
    """Count hits, for all processes that share the storage."""

    async def hit(self, name: str, who: str, rate: Rate) -> Allowance:
        """Count one hit of *who* under the limit *name*; one that is refused does not count."""
        ...
