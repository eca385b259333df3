"""How long a caller wants to wait for a run's end: `?wait=` or `Prefer: wait=` (RFC 7240)."""

import re
from typing import Annotated, Final

from litestar.params import HeaderParameter, QueryParameter

WAIT_MAX: Final = 60
_WAIT: Final = re.compile(r"(?:^|[,;\s])wait\s*=\s*\"?(\d{1,9})\"?", re.IGNORECASE)

Wait = Annotated[
    int | None,
    QueryParameter(name="wait", ge=1, le=WAIT_MAX, description="Seconds to wait for the end."),
]
Prefer = Annotated[
    str | None,
    HeaderParameter(name="Prefer", description="`wait=<1..60>`: seconds to wait for the end."),
]


def wait_seconds(wait: int | None, prefer: str | None) -> int:
    """Return the seconds to wait, 0 for not at all; a preference beyond 60 is cut."""
    if wait is not None:
        return wait
    found = _WAIT.search(prefer) if prefer else None
    return min(int(found[1]), WAIT_MAX) if found else 0


def preference_applied(wait: int | None, prefer: str | None) -> dict[str, str]:
    """Return the header that tells which preference was followed, if one was."""
    seconds = 0 if wait is not None else wait_seconds(None, prefer)
    return {"Preference-Applied": f"wait={seconds}"} if seconds else {}
