"""How users describe a request to a service: the same for nodes and for tools."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from orbiter.domain.settings import Anything, Choice, ListOf, Number, Object, Setting, Shape, Text

METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")

_AUTH_PARTS: Final[Mapping[str, tuple[str, ...]]] = {
    "bearer": ("token",),
    "basic": ("username",),
    "header": ("name", "value"),
}
_AUTH: Final = Shape(
    {
        "type": Choice(("none", "bearer", "basic", "header")),
        "token": Text(),
        "username": Text(),
        "password": Text(),
        "name": Text(),
        "value": Text(),
    },
    required=frozenset({"type"}),
)
REQUEST_SETTINGS: Final[Mapping[str, Setting]] = {
    "method": Choice(METHODS),
    "url": Text(),
    "headers": Object(),
    "query": Object(),
    "body": Anything(),
    "auth": _AUTH,
    "accept_status": ListOf(Number(100, 599, whole=True)),
}


def missing_auth(config: Mapping[str, Any]) -> Iterable[str]:
    """Yield the parts of `auth` that its type needs and that are not there."""
    auth = config.get("auth") or {}
    for part in _AUTH_PARTS.get(auth.get("type", ""), ()):
        if not auth.get(part):
            yield part
