"""How settings are read: from options, the environment, files, or else by default."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from orbiter.entrypoints.settings import DEFINITIONS, PREFIX, Definition, Settings

# Settings of features that are still to come, and variables that are read elsewhere.
LATER: Final = frozenset({"ORBITER_ALERT_INTERVAL_SECONDS"})
ELSEWHERE: Final = frozenset({"ORBITER_URL"})


class Origin(StrEnum):
    """Where a setting's value came from; the later ones win over the earlier."""

    DEFAULT = "default"
    FILE = "file"
    ENVIRONMENT = "environment"
    OPTION = "option"


class WrongSettings(ValueError):
    """Settings that can't be used; *problems* has a line for each of them."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """One setting's text and where it came from."""

    text: str
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """Settings, the texts they were read from, and lines of *warnings* for the operator."""

    settings: Settings
    given: Mapping[str, Given]
    warnings: tuple[str, ...] = ()

    def shown(self, name: str) -> str:
        """Return the value of the variable *name* as it may be printed."""
        found = self.given[name]
        computed = {
            "ORBITER_DATABASE_URL": self.settings.storage_url,
            "ORBITER_PUBLIC_URL": self.settings.base_url,
        }
        if found.origin is Origin.DEFAULT:
            return computed.get(name, found.text)
        return DEFINITIONS[name].mask(found.text)


def load(environment: Mapping[str, str], options: Mapping[str, str] | None = None) -> Loaded:
    """Read every setting from *options* (by variable), else *environment*, else its default.

    Raise WrongSettings with everything that is wrong.
    """
    problems: list[str] = []
    given: dict[str, Given] = {}
    values: dict[str, Any] = {}
    for name, definition in DEFINITIONS.items():
        try:
            given[name] = _given(name, definition, environment, options or {})
            values[name.removeprefix(PREFIX).lower()] = definition.read(given[name].text)
        except ValueError as reason:
            problems.append(f"{name}: {reason}")
    if values.get("smtp_url") and "mail_from" in values and not values["mail_from"]:
        problems.append("ORBITER_MAIL_FROM: needed where ORBITER_SMTP_URL is set")
    url = values.get("database_url", "postgresql") or ""
    if values.get("execute") is False and not url.startswith("postgresql"):
        problems.append("ORBITER_EXECUTE: off needs workers, and these ORBITER_DATABASE_URL")
    if problems:
        raise WrongSettings(problems)
    return Loaded(settings=Settings(**values), given=given, warnings=tuple(_warnings(environment)))


def _given(
    name: str, definition: Definition, environment: Mapping[str, str], options: Mapping[str, str]
) -> Given:
    if name in options:
        return Given(text=options[name].strip(), origin=Origin.OPTION)
    plain = environment.get(name, "").strip()
    path = environment.get(f"{name}_FILE", "").strip() if definition.secret else ""
    if plain and path:
        raise ValueError(f"set together with {name}_FILE; one of them must go")
    if path:
        return Given(text=_content(path), origin=Origin.FILE)
    # An empty variable counts as none: that is how compose files leave one out.
    if plain:
        return Given(text=plain, origin=Origin.ENVIRONMENT)
    return Given(text=definition.default, origin=Origin.DEFAULT)


def _content(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except (OSError, UnicodeDecodeError) as failure:
        reason = getattr(failure, "strerror", None) or "it is no text"
        raise ValueError(f"the file {path} can't be read: {reason}") from None


def _warnings(environment: Mapping[str, str]) -> Iterator[str]:
    files = {f"{name}_FILE" for name, definition in DEFINITIONS.items() if definition.secret}
    known = DEFINITIONS.keys() | files
    for name in sorted(name for name in environment if name.startswith(PREFIX)):
        if name in LATER:
            yield f"{name} has no effect yet"
        elif name not in known | ELSEWHERE:
            yield f"{name} is no setting of Orbiter and is ignored{_hint(name, known | LATER)}"


def _hint(name: str, known: Iterable[str]) -> str:
    # Without the prefix, which makes any two names look alike.
    words = [other.removeprefix(PREFIX) for other in known]
    nearest = get_close_matches(name.removeprefix(PREFIX), words, n=1)
    return f"; {PREFIX}{nearest[0]} is meant?" if nearest else ""
