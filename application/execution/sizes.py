"""How large values may be: what is passed on, and what the trace keeps of inputs."""

from collections.abc import Mapping
from typing import Any, Final

from orbiter.application.execution.outcome import NodeFailed

DEPTH_MAX: Final = 64
PREVIEW_MAX: Final = 64 * 1024
_LEAF: Final = 8


def size_of(value: Any, maximum: int) -> int:
    """Return about how many bytes of JSON *value* takes; raise NodeFailed beyond *maximum*.

    What is reached by several ways counts each time, as it does when it is stored.
    """
    if value is None or isinstance(value, bool | int | float):
        return _LEAF
    total, level, depth = 0, [value], 0
    while level:
        total, level = _measured(level, total, maximum)
        depth += 1
        if depth > DEPTH_MAX:
            raise NodeFailed("OUTPUT_TOO_DEEP", f"The value nests deeper than {DEPTH_MAX} levels")
    return total


def preview_of(value: Any, maximum: int = PREVIEW_MAX) -> tuple[Any, int]:
    """Return *value* as the trace shows it as an input, whole unless it is large, and its size."""
    try:
        return value, size_of(value, maximum)
    except NodeFailed:
        return {"omitted": f"larger than {maximum // 1024} KiB"}, _LEAF


def _measured(level: list[Any], total: int, maximum: int) -> tuple[int, list[Any]]:
    below: list[Any] = []
    for value in level:
        if isinstance(value, str):
            total += len(value) + 2
        elif isinstance(value, Mapping):
            total += sum(len(key) + 4 for key in value) + 2
            below.extend(value.values())
        elif isinstance(value, list | tuple):
            total += len(value) + 2
            below.extend(value)
        else:
            total += _LEAF
        if total + len(below) > maximum:
            raise NodeFailed("OUTPUT_TOO_LARGE", f"The value takes more than {maximum} bytes")
    return total, below
