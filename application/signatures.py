"""Signatures of webhooks: an HMAC of when they were sent and what."""

import hmac
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

TOLERANCE: Final = timedelta(minutes=5)
_PREFIX: Final = "sha256="
_DIGITS_MAX: Final = 12


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Return the signature of *body*, sent at *timestamp* (whole seconds since 1970)."""
    told = timestamp.encode(errors="surrogatepass") + b"." + body
    key = secret.encode(errors="surrogatepass")
    return _PREFIX + hmac.new(key, told, sha256).hexdigest()


def is_signed(secret: str, timestamp: str, body: bytes, given: str, *, at: datetime) -> bool:
    """Say in constant time whether *given* is the signature, at most five minutes off *at*."""
    expected = signature(secret, timestamp, body).encode()
    right = hmac.compare_digest(expected, given.encode(errors="surrogatepass"))
    return right and _is_recent(timestamp, at)


def _is_recent(timestamp: str, at: datetime) -> bool:
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= _DIGITS_MAX):
        return False
    return abs(int(timestamp) - at.timestamp()) <= TOLERANCE.total_seconds()
