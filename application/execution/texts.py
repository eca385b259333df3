"""Values as texts that models and people read."""

import json
from typing import Any


def as_text(value: Any) -> str:
    """Return a text as it is, and anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def well_formed(text: str) -> str:
    """Return a text with its halves of surrogate pairs joined; for a lone one there is `�`."""
    if text.isascii():
        return text
    return text.encode("utf-16-le", errors="surrogatepass").decode("utf-16-le", errors="replace")
