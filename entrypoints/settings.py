"""Every setting of Orbiter: its name, default and meaning, and how it is checked."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, TypeVar

from orbiter.adapters.outbound.allowlist import EgressAllowlist
from orbiter.application.ports.identity import Rate
from orbiter.domain.users import Registration
from orbiter.entrypoints import readers
from orbiter.entrypoints.rates import parse_rate_limits

T = TypeVar("T")

PREFIX: Final = "ORBITER_"
_DEFINITION: Final = "definition"
# Up to the last @: a password with an unquoted one must not be shown by half.
_PASSWORD: Final = re.compile(r"(?<=//)([^:@]*:).*(?=@)|(?<=[?&]password=)[^&]*")


@dataclass(frozen=True, slots=True)
class Definition:
    """What is known of one setting; a *secret* one may be given as a file: `NAME_FILE`."""

    read: Callable[[str], Any]
    default: str
    meaning: str
    secret: bool
    mask: Callable[[str], str]


def _setting(
    read: Callable[[str], T],
    default: str,
    meaning: str,
    *,
    secret: bool = False,
    mask: Callable[[str], str] = readers.text,
) -> T:
    definition = Definition(read, default, meaning, secret, mask)
    made: T = field(
        default_factory=lambda: read(default),
        metadata={_DEFINITION: definition},
        repr=not secret,
    )
    return made


def _without_password(url: str) -> str:
    return _PASSWORD.sub(lambda found: f"{found[1] or ''}***", url)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings, checked; each is `ORBITER_` and the field's name, in capitals."""

    host: str = _setting(readers.host, "127.0.0.1", "Address to listen on")
    port: int = _setting(readers.whole(1, 65535), "8000", "Port to listen on")
    data_dir: Path = _setting(
        readers.folder, "./.orbiter", "Folder of the SQLite file, mails and the generated key"
    )
    database_url: str | None = _setting(
        readers.optional(readers.database_url),
        "",
        "Database; SQLite in the data folder unless set",
        secret=True,
        mask=_without_password,
    )
    secret_key: str | None = _setting(
        readers.optional(readers.secret_keys),
        "",
        "Comma list of keys: the first encrypts, all decrypt; made and kept unless set",
        secret=True,
        mask=lambda _: "***",
    )
    registration: Registration = _setting(
        readers.choice(Registration), "open", "Who may register: open, invite or closed"
    )
    rate_limits: Mapping[str, Rate] | None = _setting(
        parse_rate_limits, "on", "on, off, or changes like login=5/min,run=1000/min"
    )
    egress_allow: EgressAllowlist = _setting(
        EgressAllowlist.parse, "", "Hosts, networks or host:port open although not public"
    )
    trusted_proxies: tuple[str, ...] = _setting(
        readers.listed(readers.network), "", "Addresses and networks whose X-Forwarded-* count"
    )
    cors_origins: tuple[str, ...] = _setting(
        readers.listed(readers.origin), "", "Web origins that may call the API from a browser"
    )
    run_concurrency: int = _setting(
        readers.whole(1, 10_000), "32", "Runs executed at once by this process"
    )
    run_max_steps: int = _setting(
        readers.whole(1, 1_000_000), "10000", "Steps that one run may take"
    )
    run_max_seconds: int = _setting(
        readers.whole(1, 366 * 86_400),
        "86400",
        "Seconds that one run may be running, delays left out",
    )
    sandbox_seconds: int = _setting(
        readers.whole(1, 300), "2", "Seconds that users' code may compute at once"
    )
    sandbox_memory_mib: int = _setting(
        readers.whole(16, 4096), "64", "MiB that users' code may hold"
    )
    keep_runs_days: int = _setting(
        readers.whole(0, 36_500), "0", "Days that ended runs and notifications are kept; 0 for ever"
    )
    schedule_interval_seconds: int = _setting(
        readers.whole(1, 3600), "1", "Seconds between two looks for schedules that are due"
    )
    workspace_concurrency: int = _setting(
        readers.whole(0, 10_000), "0", "Runs of one workspace executed at once; 0 for any number"
    )
    execute: bool = _setting(
        readers.switch, "on", "on, or off to leave the execution of runs to workers"
    )
    lease_seconds: int = _setting(
        readers.whole(3, 3600), "15", "Seconds after which a silent process's runs are taken over"
    )
    smtp_url: str | None = _setting(
        readers.optional(readers.smtp_url),
        "",
        "Mail server, smtp://user:password@host:587; unless set, mails are files",
        secret=True,
        mask=_without_password,
    )
    mail_from: str | None = _setting(
        readers.optional(readers.sender), "", "Address that mails come from"
    )
    search_url: str | None = _setting(
        readers.optional(readers.web_url("https://searx.example.org/search")),
        "",
        "Search engine for the tool web_search: a SearXNG's URL, or Brave's",
    )
    search_key: str | None = _setting(
        readers.optional(readers.text),
        "",
        "Key for the search engine",
        secret=True,
        mask=lambda _: "***",
    )
    public_url: str | None = _setting(
        readers.optional(readers.public_url), "", "What links in mails start with"
    )
    log: readers.LogStyle = _setting(
        readers.log_style, "console", "console or json, and a level: json:debug"
    )
    shutdown_seconds: int = _setting(
        readers.whole(0, 3600), "5", "Seconds that requests, then runs, get to end at shutdown"
    )

    @property
    def storage_url(self) -> str:
        """The database's URL, that of SQLite in the data folder unless set."""
        return self.database_url or f"sqlite+aiosqlite:///{self.data_dir.absolute()}/orbiter.db"

    @property
    def is_shared(self) -> bool:
        """Say whether several processes may use the storage at once."""
        return not self.storage_url.startswith("sqlite")

    @property
    def base_url(self) -> str:
        """What links start with: the public URL, else that of host and port."""
        return self.public_url or self.local_url

    @property
    def local_url(self) -> str:
        """The URL of host and port, as this machine may use it."""
        shown = "127.0.0.1" if self.host in ("0.0.0.0", "::") else self.host
        return f"http://[{shown}]:{self.port}" if ":" in shown else f"http://{shown}:{self.port}"


DEFINITIONS: Final[Mapping[str, Definition]] = MappingProxyType(
    {f"{PREFIX}{known.name.upper()}": known.metadata[_DEFINITION] for known in fields(Settings)}
)
