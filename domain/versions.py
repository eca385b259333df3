"""What has versions has a head: it can be copied, and changed by those who have seen its latest."""

from collections.abc import Collection

from orbiter.domain.checks import NAME_MAX
from orbiter.domain.errors import Conflict


def copied(name: str) -> str:
    """Return `<name> (copy)`, cut to what a name may have."""
    ending = " (copy)"
    return name[: NAME_MAX - len(ending)] + ending


def require_revision(noun: str, revision: int, expected: Collection[int] | None) -> None:
    """Raise Conflict when a change builds on none of the *expected*; None builds on any."""
    if expected is not None and revision not in expected:
        raise Conflict(f"The {noun} was changed meanwhile", {"revision": revision})
