"""How a service knows who asks: its security schemes as templates over secrets."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final
from urllib.parse import urlsplit

from orbiter.adapters.openapi.nodes import Node
from orbiter.adapters.openapi.requests import TOKEN
from orbiter.domain.secrets import NAME_MAX

DIGITS: Final = 16
_UNFIT: Final = re.compile(r"[^A-Z0-9]+")


@dataclass(slots=True)
class Credentials:
    """What a request carries to be let in, as parts of a tool's config."""

    auth: Mapping[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)


def credentials_of(root: Node, operation: Node, url: str) -> Credentials:
    """Return what the first alternative of the operation's security that can be met asks for.

    Secrets are named for the service's host and the scheme, so that no document gets hold of the
    secrets of another service. Raise Invalid when there is no such alternative.
    """
    own = operation.child("security")
    security = root.child("security") if own.value is None else own
    refusal = None
    for alternative in security.items():
        try:
            return _credentials(root, alternative, urlsplit(url).netloc)
        except _Unsupported as reason:
            refusal = refusal or security.wrong(f"{reason}: give `auth`")
    if refusal is not None:
        raise refusal
    return Credentials()


class _Unsupported(Exception):
    """A scheme asks for what no request of a tool can carry."""


def _credentials(root: Node, alternative: Node, host: str) -> Credentials:
    found = Credentials()
    schemes = root.child("components").child("securitySchemes")
    for name, _ in alternative.entries():
        if name not in schemes.mapping:
            raise alternative.wrong(f"The security scheme {name} is not described")
        _add(found, schemes.child(name).resolved(), _secret_name(host, name))
    return found


def _add(found: Credentials, scheme: Node, secret: str) -> None:
    template = _secret(secret)
    kind = (scheme.child("type").text, (scheme.child("scheme").text or "").lower())
    match kind:
        case ("apiKey", _):
            _add_key(found, scheme, template)
        case ("http", "bearer") | ("oauth2" | "openIdConnect", _):
            _set(found, {"type": "bearer", "token": template})
        case ("http", "basic"):
            user, password = _secret(f"{secret}_USERNAME"), _secret(f"{secret}_PASSWORD")
            _set(found, {"type": "basic", "username": user, "password": password})
        case (of_type, word):
            raise _Unsupported(f"Security of type {of_type} {word}".rstrip() + " is not supported")


def _add_key(found: Credentials, scheme: Node, template: str) -> None:
    name, place = scheme.child("name").text or "", scheme.child("in").text
    if place == "query" and name:
        found.query[name] = template
    elif place == "header" and TOKEN.fullmatch(name):
        found.headers[name] = template
    else:
        raise _Unsupported(f"An API key in {place} is not supported")


def _set(found: Credentials, auth: Mapping[str, Any]) -> None:
    if found.auth:
        raise _Unsupported("Two kinds of authorization at once are not supported")
    found.auth = auth


def _secret(name: str) -> str:
    return f"{{{{ secrets.{name} }}}}"


def _secret_name(host: str, scheme: str) -> str:
    plain = _UNFIT.sub("_", f"{host}_{scheme}".upper()).strip("_")
    named = plain if plain[:1].isalpha() else f"HOST_{plain}"
    # Hosts and schemes that look alike in capitals must not share a secret.
    digest = sha256(f"{host}\n{scheme}".encode(errors="surrogatepass")).hexdigest()
    own = f"_{digest[:DIGITS].upper()}"
    # Room for what a user's name and password add.
    return named[: NAME_MAX - len("_USERNAME") - len(own)].rstrip("_") + own
