"""How far a run may go."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds of one run; crossing one fails it with a code that names it.

    *run_seconds* is time spent running, delays left out. *value_bytes* bounds what one node may
    give, *run_bytes* what the whole trace holds.
    """

    steps: int = 10_000
    run_seconds: float = 24 * 3600
    value_bytes: int = 4 * 1024 * 1024
    run_bytes: int = 64 * 1024 * 1024
