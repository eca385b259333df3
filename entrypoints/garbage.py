"""How often a process that stays looks for garbage in cycles."""

import gc
from typing import Final

# Requests and runs leave hardly any cycles; each look goes through all that lives.
ALLOCATIONS: Final = 10_000
LOOKS: Final = 20


def spare_what_stays() -> None:
    """Never look again through what there is now, and seldom through what comes.

    To be called once everything is imported and started (see `gc.freeze`).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(ALLOCATIONS, LOOKS, LOOKS)
