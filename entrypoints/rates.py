"""Rate limits as the operator writes them."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from orbiter.application.ports.identity import Rate

DEFAULTS: Final[Mapping[str, Rate]] = {
    "login": Rate(amount=10, seconds=60),
    "login_email": Rate(amount=5, seconds=60),
    "register": Rate(amount=10, seconds=60),
    "register_email": Rate(amount=5, seconds=60),
    "run": Rate(amount=120, seconds=60),
    "api": Rate(amount=1200, seconds=60),
}
_SECONDS: Final = {"s": 1, "sec": 1, "min": 60, "h": 3600, "hour": 3600, "day": 86400}
_RATE: Final = re.compile(rf"([1-9][0-9]{{0,8}})/({'|'.join(_SECONDS)})")


def parse_rate_limits(text: str) -> Mapping[str, Rate] | None:
    """Read `on`, `off` (None), or changes to the defaults: `login=5/min,run=off`.

    Raise ValueError with everything that is wrong.
    """
    if text.lower() == "off":
        return None
    rates = dict(DEFAULTS)
    wrong = [] if text.lower() in ("", "on") else [*_changes(text, rates)]
    if wrong:
        raise ValueError("; ".join(wrong))
    return MappingProxyType(rates)


def _changes(text: str, rates: dict[str, Rate]) -> list[str]:
    """Change *rates* as *text* says, and return what can't be read."""
    wrong: list[str] = []
    for entry in filter(None, map(str.strip, text.split(","))):
        name, _, written = (part.strip() for part in entry.lower().partition("="))
        found = _RATE.fullmatch(written)
        if name not in DEFAULTS:
            wrong.append(f"{entry!r} limits none of {', '.join(DEFAULTS)}")
        elif written == "off":
            rates.pop(name, None)
        elif found:
            rates[name] = Rate(amount=int(found[1]), seconds=_SECONDS[found[2]])
        else:
            wrong.append(f"{entry!r} is not like {name}=5/min or {name}=off")
    return wrong
