"""Where a service is."""

import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import urljoin

from orbiter.adapters.openapi.nodes import Node
from orbiter.domain.providers import url_problems

_VARIABLE: Final = re.compile(r"\{([^{}]*)\}")
_ABSOLUTE: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


def server_url(
    root: Node, item: Node, operation: Node, base_url: str | None, origin: str | None
) -> str:
    """Return the URL that an operation's path is put behind; raise Invalid.

    It is that of the first server: the operation's, its path's, or the document's. *base_url*
    stands in for an absolute one, and completes a relative one; without it, *origin* does, which
    is where the document is from.
    """
    server = next(_servers(root, item, operation), None)
    written = "" if server is None else _filled(server)
    place = root if server is None else server.child("url")
    if _ABSOLUTE.match(written):
        url = base_url or written
    elif base_url is not None:
        url = base_url if written in ("", "/") else _joined(base_url, written)
    elif origin is not None:
        url = _joined(origin, written or "/")
    else:
        raise place.wrong("The document does not say where the service is: give `base_url`")
    for problem in url_problems(url):
        raise place.wrong(problem.message)
    return url.rstrip("/")


def _servers(root: Node, item: Node, operation: Node) -> Iterator[Node]:
    for holder in (operation, item, root):
        yield from holder.child("servers").items()


def _joined(base_url: str, written: str) -> str:
    try:
        return urljoin(base_url, written)
    except ValueError:
        return written


def _filled(server: Node) -> str:
    """Return the server's URL with the defaults of its variables."""
    url = server.child("url")
    variables = server.child("variables")

    def value(found: re.Match[str]) -> str:
        default = variables.child(found[1]).child("default").value
        if default is None:
            raise url.wrong(f"The variable {found[1]} has no default")
        return str(default)

    return _VARIABLE.sub(value, url.text or "")
