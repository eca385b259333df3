"""The cookie that carries a session's token."""

from ipaddress import ip_address
from typing import Any, Final

from litestar import Request

from orbiter.domain.sessions import SLIDING

COOKIE: Final = "orbiter_session"
MAX_AGE: Final = int(SLIDING.total_seconds())


def set_cookie(
    request: Request[Any, Any, Any], token: str, *, max_age: int = MAX_AGE
) -> dict[str, str]:
    """Return the header that gives the browser *token*; with a *max_age* of 0 it forgets it."""
    secure = "; Secure" if is_secure(request) else ""
    attributes = f"HttpOnly; SameSite=Lax; Path=/; Max-Age={max_age}{secure}"
    return {"Set-Cookie": f"{COOKIE}={token}; {attributes}"}


def is_secure(request: Request[Any, Any, Any]) -> bool:
    """Say whether the cookie needs `Secure`: always but over plain http on a loopback address."""
    return request.url.scheme == "https" or not _is_loopback(request.url.hostname or "")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
