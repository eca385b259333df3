"""/docs and /redoc: two still pages and what they load, all of it from here."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Final, Self

ASSETS_PATH: Final = "/assets/docs"
NO_CACHE: Final = "no-cache"
IMMUTABLE: Final = "public, max-age=31536000, immutable"

_PAGE_POLICY: Final = (
    "default-src 'none'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; style-src 'self'"
)
SWAGGER_POLICY: Final = _PAGE_POLICY
# ReDoc writes two style elements, an empty one it fills by script and one for its scroll bar,
# which are known by their hashes, and searches in a worker it makes of itself.
REDOC_POLICY: Final = (
    f"{_PAGE_POLICY} 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=' "
    "'sha256-QMIg+bpjm3JdElJ388KYke01izlUW0UoNOeKjpMxdgc='; worker-src blob:"
)
DATA_POLICY: Final = "default-src 'none'; frame-ancestors 'none'"

_ASSETS: Final = {
    "docs.css": "text/css",
    "orbiter.svg": "image/svg+xml",
    "redoc-page.js": "text/javascript",
    "redoc.standalone.js": "text/javascript",
    "swagger-page.js": "text/javascript",
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
}
_PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Orbiter API</title>
{head}
</head>
<body>
<div id="page"></div>
{scripts}
</body>
</html>
"""


@dataclass(frozen=True, slots=True)
class Representation:
    """Bytes to be served as they are; *digest* changes exactly when they do."""

    content: bytes
    media_type: str
    cache_control: str
    policy: str
    digest: str

    @classmethod
    def of(
        cls,
        content: bytes,
        media_type: str,
        *,
        cache_control: str = NO_CACHE,
        policy: str = DATA_POLICY,
    ) -> Self:
        """Return *content* with its digest."""
        return cls(content, media_type, cache_control, policy, sha256(content).hexdigest()[:16])


@cache
def assets() -> Mapping[str, Representation]:
    """Return the assets by the name each is served under, which changes with its content."""
    return {_served_as(name, asset): asset for name, asset in _read().items()}


@cache
def swagger_page() -> Representation:
    """Return the page of Swagger UI."""
    styles = ("swagger-ui.css", "docs.css")
    return _page(styles, ("swagger-ui-bundle.js", "swagger-page.js"), SWAGGER_POLICY)


@cache
def redoc_page() -> Representation:
    """Return the page of ReDoc."""
    return _page(("docs.css",), ("redoc.standalone.js", "redoc-page.js"), REDOC_POLICY)


def _page(styles: Iterable[str], scripts: Iterable[str], policy: str) -> Representation:
    head = [f'<link rel="icon" type="image/svg+xml" href="{_address("orbiter.svg")}">']
    head += [f'<link rel="stylesheet" href="{_address(name)}">' for name in styles]
    tags = [f'<script src="{_address(name)}"></script>' for name in scripts]
    html = _PAGE.format(head="\n".join(head), scripts="\n".join(tags))
    return Representation.of(html.encode(), "text/html", policy=policy)


@cache
def _read() -> Mapping[str, Representation]:
    folder = files("orbiter.adapters.http") / "assets"
    return {
        name: Representation.of((folder / name).read_bytes(), kind, cache_control=IMMUTABLE)
        for name, kind in _ASSETS.items()
    }


def _served_as(name: str, asset: Representation) -> str:
    stem, _, suffix = name.rpartition(".")
    return f"{stem}.{asset.digest}.{suffix}"


def _address(name: str) -> str:
    return f"{ASSETS_PATH}/{_served_as(name, _read()[name])}"
