"""What users' code gave, from JSON that may be anything."""

import json
import re
from collections.abc import Iterable
from typing import Any, Final

from orbiter.application.ports.sandbox import SandboxError

RESULT_MAX: Final = 1024 * 1024
DEPTH_MAX: Final = 60
WHOLE_MIN: Final = -(2**63)
WHOLE_MAX: Final = 2**63 - 1

_LONG_NUMBER: Final = re.compile(r"\d{19}")


def value_of(text: Any) -> Any:
    """Return the value, or raise SandboxError when it is too large, too deep or no JSON."""
    if not isinstance(text, str):
        raise bad_result(f"a value of type {type(text).__name__}")
    if len(text) > RESULT_MAX:
        message = f"The result takes more than {RESULT_MAX // 1024} KiB of JSON"
        raise SandboxError("CODE_OUTPUT_LIMIT", message)
    try:
        value = json.loads(text, parse_int=_whole if _LONG_NUMBER.search(text) else None)
    except RecursionError:
        raise _too_deep() from None
    except ValueError:
        raise bad_result("text that can't be read") from None
    if text.count("[") + text.count("{") > DEPTH_MAX:
        _require_shallow(value)
    return value


def bad_result(what: str) -> SandboxError:
    """Return the refusal of a result that is *what*."""
    return SandboxError("CODE_BAD_RESULT", f"The result is no JSON: {what}")


def _too_deep() -> SandboxError:
    return bad_result(f"it nests deeper than {DEPTH_MAX} levels")


def _whole(digits: str) -> int:
    number = int(digits) if len(digits) < 25 else WHOLE_MAX + 1
    if not WHOLE_MIN <= number <= WHOLE_MAX:
        raise bad_result("a whole number beyond 64 bits; give it as a text")
    return number


def _require_shallow(value: Any) -> None:
    level, depth = _holders([value]), 0
    while level:
        depth += 1
        if depth > DEPTH_MAX:
            raise _too_deep()
        level = [
            below
            for each in level
            for below in _holders(each.values() if isinstance(each, dict) else each)
        ]


def _holders(values: Iterable[Any]) -> list[Any]:
    return [value for value in values if isinstance(value, list | dict)]
