"""Texts to values: how each kind of setting is written. Each reader raises ValueError."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parseaddr
from enum import StrEnum
from ipaddress import ip_network
from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import urlsplit

from orbiter.adapters.security.secret_key import LENGTH_MIN

T = TypeVar("T")
Choice = TypeVar("Choice", bound=StrEnum)

DATABASES: Final = ("postgresql+asyncpg://", "sqlite+aiosqlite://")
STYLES: Final = ("console", "json")
LEVELS: Final = ("debug", "info", "warning", "error")
_ORIGIN: Final = re.compile(r"https?://[^/\s?#@*]+")


def text(value: str) -> str:
    """Take any text."""
    return value


def optional(read: Callable[[str], T]) -> Callable[[str], T | None]:
    """Return a reader for which nothing means None."""
    return lambda value: read(value) if value else None


def listed(read: Callable[[str], str]) -> Callable[[str], tuple[str, ...]]:
    """Return a reader of comma lists."""
    return lambda value: tuple(read(part.strip()) for part in value.split(",") if part.strip())


def whole(minimum: int, maximum: int) -> Callable[[str], int]:
    """Return a reader of whole numbers within bounds."""

    def read(value: str) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", value) or not minimum <= int(value) <= maximum:
            raise ValueError(f"{value!r} is no whole number from {minimum} to {maximum}")
        return int(value)

    return read


def switch(value: str) -> bool:
    """Read on or off."""
    if value not in ("on", "off"):
        raise ValueError("must be on or off")
    return value == "on"


def choice(kind: type[Choice]) -> Callable[[str], Choice]:
    """Return a reader of the words of *kind*."""

    def read(value: str) -> Choice:
        try:
            return kind(value.lower())
        except ValueError:
            raise ValueError(f"{value!r} is none of {', '.join(kind)}") from None

    return read


def host(value: str) -> str:
    """Read a host's name or address, without a port."""
    if not re.fullmatch(r"[A-Za-z0-9._:-]{1,253}", value):
        raise ValueError(f"{value!r} is no name or address of a host")
    return value


def folder(value: str) -> Path:
    """Read a path; `~` is the home of who runs the process."""
    try:
        return Path(value).expanduser()
    except RuntimeError:
        raise ValueError(f"{value!r} begins with the home of nobody") from None


def network(value: str) -> str:
    """Read an address or a network."""
    try:
        return str(ip_network(value, strict=False))
    except ValueError:
        raise ValueError(f"{value!r} is no address and no network") from None


def origin(value: str) -> str:
    """Read a web origin: scheme, host and perhaps a port."""
    if not _ORIGIN.fullmatch(value):
        raise ValueError(f"{value!r} is no origin like https://app.example.org")
    return value.lower()


def web_url(example: str) -> Callable[[str], str]:
    """Return a reader of http and https URLs, without a query; a slash at the end is dropped."""

    def read(value: str) -> str:
        try:
            parts = urlsplit(value)
            wrong = parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0
        except ValueError:
            wrong = True
        if wrong or parts.query or parts.fragment or parts.username is not None:
            raise ValueError(f"{value!r} is no URL like {example}")
        return value.rstrip("/")

    return read


public_url: Final = web_url("https://orbiter.example.org")


def database_url(value: str) -> str:
    """Read a database's URL; it may hold a password, so nothing of it is repeated."""
    if not value.startswith(DATABASES):
        raise ValueError(f"must begin with {' or '.join(DATABASES)}")
    try:
        parts = urlsplit(value)
        wrong = parts.port == 0
    except ValueError:
        wrong = True
    if wrong or (parts.scheme.startswith("sqlite") and parts.path in ("", "/", "/:memory:")):
        raise ValueError("names no server and no file that a database can be at")
    return value


def smtp_url(value: str) -> str:
    """Read a mail server's URL; it may hold a password, so nothing of it is repeated."""
    try:
        parts = urlsplit(value)
        wrong = parts.scheme not in ("smtp", "smtps") or not parts.hostname or parts.port == 0
    except ValueError:
        wrong = True
    if wrong:
        raise ValueError("must look like smtp://user:password@host:587")
    return value


def secret_keys(value: str) -> str:
    """Read a comma list of keys; nothing of it is repeated."""
    if any(len(key.strip()) < LENGTH_MIN for key in value.split(",")):
        raise ValueError(f"each key needs at least {LENGTH_MIN} characters")
    return value


def sender(value: str) -> str:
    """Read an address that mails come from, with or without a display name."""
    if "@" not in parseaddr(value)[1]:
        raise ValueError(f"{value!r} is no address like Orbiter <orbiter@example.org>")
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class LogStyle:
    """How logs are written: as JSON or for people, and from which *level* on."""

    json: bool = False
    level: str = "info"


def log_style(value: str) -> LogStyle:
    """Read `console` or `json`, a level, or both: `json`, `console:debug`, `warning`."""
    words = re.split(r"[:,\s]+", value.lower())
    styles = [word for word in words if word in STYLES]
    levels = [word for word in words if word in LEVELS]
    if len(styles) > 1 or len(levels) > 1 or len(styles) + len(levels) < len(words):
        raise ValueError(f"{value!r} is not like console, json or json:debug")
    return LogStyle(json=styles == ["json"], level=levels[0] if levels else "info")
