"""Remote servers of tools: how they may be set, and how what they offer is called here."""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from orbiter.domain.errors import FieldProblem
from orbiter.domain.providers import URL_MAX, url_problems
from orbiter.domain.tools import NAME_MAX

HEADERS_MAX: Final = 50
HEADER_MAX: Final = 8192

_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,256}")
_UNFIT: Final = re.compile(r"[^a-zA-Z0-9_-]+")
_QUERY: Final = re.compile(r"[!-~]*")
# Whoever may read tools reads their headers: what opens doors has to be a template.
_CREDENTIALS: Final = re.compile(
    r"auth|cookie|credential|key|passw|secret|session|signature|token", re.I
)
_TEMPLATE: Final = re.compile(r"\{\{.*\}\}", re.S)
_OF_THE_CONNECTION: Final = frozenset(
    {"connection", "content-length", "content-type", "host", "transfer-encoding", "upgrade"}
)


def server_problems(config: Mapping[str, Any]) -> Iterator[FieldProblem]:
    """Yield what is wrong with the settings of a server, which have the right types."""
    for given in ("server_id", "tool"):
        if given in config:
            message = "Extra inputs are not permitted"
            yield FieldProblem(f"config.{given}", message, "extra_forbidden")
    address, _, query = config["url"].partition("?")
    for problem in url_problems(address):
        yield FieldProblem("config.url", problem.message, problem.type)
    if len(query) > URL_MAX or not _QUERY.fullmatch(query) or "#" in query or "{{" in query:
        yield FieldProblem("config.url", "URL should have a short query, and no fragment")
    headers = config.get("headers") or {}
    if len(headers) > HEADERS_MAX:
        yield FieldProblem("config.headers", f"There should be at most {HEADERS_MAX} headers")
    for name, value in headers.items():
        for message in _header_complaints(name, value):
            yield FieldProblem(f"config.headers.{name}", message)


def _header_complaints(name: str, value: str) -> Iterator[str]:
    if not _NAME.fullmatch(name) or name.lower() in _OF_THE_CONNECTION:
        yield "A header should have a name that HTTP allows, and not be one of the connection"
    elif len(value) > HEADER_MAX or not value.isprintable():
        yield f"A header should be a line of at most {HEADER_MAX} characters"
    elif _CREDENTIALS.search(name) and not _TEMPLATE.search(value):
        yield "What is written here can be read: keep it as a secret, and use {{ secrets.NAME }}"


def local_name(remote: str, server: str, taken: Collection[str]) -> str:
    """Return what a server's tool is called here: as there, if that is fit and not *taken*."""
    plain = _UNFIT.sub("_", remote).strip("_")[:NAME_MAX] or "tool"
    if plain not in taken:
        return plain
    behind = f"{server}_{plain}"[:NAME_MAX]
    name, number = behind, 1
    while name in taken:
        number += 1
        name = f"{behind[: NAME_MAX - 5]}_{number}"
    return name
