"""What goes wrong with vendors, in the gateway's words: no keys, no addresses, bounded."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from math import isfinite
from typing import Any, Final

import httpx2

from orbiter.application.ports.models import Endpoint, ModelError
from orbiter.application.ports.outbound import OutboundError

QUOTED_MAX: Final = 500
_READ_MAX: Final = 10_000
_ADDRESS: Final = re.compile(r"[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE)
_MASKED: Final = re.compile(r"\S*\*{3,}\S*")
_KEY: Final = "[key]"
# A key that is cut off is told by its beginning.
_KEY_TOLD: Final = 8
_TOO_LONG: Final = re.compile(
    r"context[ _-]?(length|limit|window|size)|maximum context|(prompt|input) is too long"
    r"|too many (input )?tokens|reduce the length|exceeds the maximum number of tokens",
    re.IGNORECASE,
)
_FILTERED: Final = frozenset({"content_filter", "content_policy_violation"})
_EXHAUSTED: Final = frozenset({"insufficient_quota", "billing_hard_limit_reached"})
_HEADER_VALUE: Final = re.compile(r"[\x21-\x7e]+")


def of_status(
    status: int, said: object, endpoint: Endpoint, headers: Mapping[str, str], code: str = ""
) -> ModelError:
    """Return what an answer of this HTTP *status*, from 400 on, means.

    *said* is the body, read or as text; *headers* have their names in lower case or look them up
    in any case; *code* is the vendor's own word for it.
    """
    words = quoted(said, endpoint.api_key)
    said_so = f": {words}" if words else ""
    if status in (408, 429) or status >= 500:
        return _of_trouble(status, said_so, headers, code)
    if status in (401, 403):
        return ModelError(
            "MODEL_KEY_REFUSED", f"The vendor refuses the key{said_so}", elsewhere=True
        )
    if status in (400, 413, 422) and _TOO_LONG.search(f"{code} {words}"):
        return ModelError("CONTEXT_LENGTH_EXCEEDED", f"The messages are too long{said_so}")
    if status == 400 and code in _FILTERED:
        return ModelError("CONTENT_FILTERED", f"The vendor filters what is asked{said_so}")
    if status == 404:
        return ModelError("MODEL_NOT_FOUND", f"The vendor has no such model{said_so}")
    # 402: what was paid for is used up, and other accounts may have more.
    message = f"The vendor refuses the request with status {status}{said_so}"
    return ModelError("MODEL_REQUEST_REFUSED", message, elsewhere=status == 402)


def _of_trouble(status: int, said_so: str, headers: Mapping[str, str], code: str) -> ModelError:
    """Return what a status means that says nothing against the request."""
    passing = True
    match status:
        case 408:
            kind, message = "MODEL_TIMEOUT", "The vendor gave up"
        case 429:
            kind, message = "MODEL_RATE_LIMITED", "The vendor's limit is reached"
            passing = code not in _EXHAUSTED
        case _:
            kind, message = "MODEL_UNAVAILABLE", f"The vendor failed with status {status}"
    wait = retry_after(headers)
    return ModelError(
        kind, f"{message}{said_so}", passing=passing, elsewhere=True, retry_after=wait
    )


def of_transport(failure: BaseException, endpoint: Endpoint) -> ModelError | None:
    """Return what *failure*, or what an SDK made it of, says about the connection, if it does."""
    cause: BaseException | None = failure
    while cause is not None:
        match cause:
            case ModelError():
                return cause
            case OutboundError(code="EGRESS_DENIED"):
                return ModelError("EGRESS_DENIED", str(cause))
            case OutboundError(code="CONNECTION_FAILED"):
                return unavailable(str(cause))
            case OutboundError():
                return ModelError("MODEL_BAD_ANSWER", str(cause))
            case httpx2.TimeoutException():
                return timed_out(endpoint.timeout_seconds)
            case httpx2.DecodingError():
                return bad_answer()
            case httpx2.UnsupportedProtocol() | httpx2.InvalidURL():
                return ModelError("MODEL_REQUEST_REFUSED", "The provider's base_url can't be used")
            case httpx2.RequestError():
                return unavailable("The connection to the vendor broke")
        cause = cause.__cause__ or cause.__context__
    return None


def unavailable(message: str) -> ModelError:
    """Return a failure that may pass."""
    return ModelError("MODEL_UNAVAILABLE", message, passing=True, elsewhere=True)


def broken_off() -> ModelError:
    """Return the failure of a vendor that stopped amid its answer."""
    return unavailable("The vendor's answer broke off")


@contextmanager
def whole_once(ended: Callable[[], bool]) -> Iterator[None]:
    """Let a stream's connection break or hang when the answer has *ended* by then."""
    try:
        yield
    except httpx2.RequestError:
        if not ended():
            raise


def timed_out(seconds: float) -> ModelError:
    """Return the failure of a vendor that said nothing for *seconds*."""
    message = f"The vendor did not answer within {seconds:g} seconds"
    return ModelError("MODEL_TIMEOUT", message, passing=True, elsewhere=True)


def bad_answer() -> ModelError:
    """Return the failure of a vendor that breaks its own wire format."""
    return ModelError("MODEL_BAD_ANSWER", "The vendor's answer is not what its wire format says")


def usable_key(endpoint: Endpoint, otherwise: str) -> str:
    """Return the key, or *otherwise*; raise ModelError if no header can carry it."""
    key = endpoint.api_key or otherwise
    if not _HEADER_VALUE.fullmatch(key):
        raise ModelError(
            "MODEL_KEY_REFUSED", "The key has characters that no key has", elsewhere=True
        )
    return key


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds to wait that `retry-after-ms` or `retry-after` tell, if they do."""
    try:
        if (milliseconds := headers.get("retry-after-ms")) is not None:
            return _sane(float(milliseconds) / 1000)
        text = headers.get("retry-after", "")
        if re.fullmatch(r"\s*[0-9.]+\s*", text):
            return _sane(float(text))
        return _sane((parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError, OverflowError):
        return None


def quoted(said: object, key: str | None) -> str:
    """Return the vendor's words on one line, at most QUOTED_MAX characters, fit for users."""
    text = _ADDRESS.sub("[address]", _words(said)[:_READ_MAX])
    if key:
        text = re.sub(rf"\S*{re.escape(key[:_KEY_TOLD])}\S*", _KEY, text)
    text = _MASKED.sub(_KEY, text)
    line = "".join(each for each in " ".join(text.split()) if each.isprintable())
    return line if len(line) <= QUOTED_MAX else line[: QUOTED_MAX - 1] + "…"


def _words(said: Any, depth: int = 5) -> str:
    """Return what a body says, in any of the shapes vendors give to their errors."""
    if isinstance(said, str):
        return "" if said.lstrip().startswith("<") else said
    if isinstance(said, Mapping) and depth:
        found = (
            _words(said.get(name), depth - 1) for name in ("message", "error", "detail", "msg")
        )
        return next(filter(None, found), "")
    if isinstance(said, list) and said and depth:
        return _words(said[0], depth - 1)
    return ""


def _sane(seconds: float) -> float | None:
    return max(seconds, 0.0) if isfinite(seconds) else None
