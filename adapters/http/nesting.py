"""How deep a JSON body is nested, found without decoding it."""

import re
from itertools import accumulate
from typing import Final

# A string that never ends is one too, so that no byte is looked at twice.
_STRING: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
_BRACKETS: Final = b"[{]}"
_STEPS: Final = bytes.maketrans(_BRACKETS, b"\x01\x01\xff\xff")
_OTHERS: Final = bytes(set(range(256)) - set(_BRACKETS))


def is_deeper(body: bytes, levels: int) -> bool:
    """Say whether objects and arrays lie more than *levels* deep in each other.

    Of what is no JSON the answer means nothing.
    """
    if body.count(b"[") + body.count(b"{") <= levels:
        return False
    steps = _STRING.sub(b"", body).translate(_STEPS, _OTHERS)
    return max(accumulate(memoryview(steps).cast("b")), default=0) > levels
