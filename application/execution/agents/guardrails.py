"""What may go into an agent, and what may come out."""

import re
from collections.abc import Callable, Mapping
from ipaddress import IPv6Address
from typing import Any, Final

from orbiter.application.execution.outcome import NodeFailed
from orbiter.application.ports.templating import Schemas
from orbiter.domain.agents import Guardrails, Personal

_DIGITS: Final = re.compile(r"[ -]")
_PATTERNS: Final[Mapping[Personal, re.Pattern[str]]] = {
    Personal.EMAIL: re.compile(
        r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})+"
    ),
    Personal.IBAN: re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b"),
    Personal.CREDIT_CARD: re.compile(r"\b\d(?:[ -]?\d){12,18}\b"),
    Personal.IP_ADDRESS: re.compile(
        r"\b(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)\b"
        r"|(?<![\w:.])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}(?![\w:]|\.\d)"
    ),
    # International, with a leading zero, or as in North America; no dates, and no parts of ids.
    Personal.PHONE: re.compile(
        r"(?<![\w.+-])(?!\d{1,2}[./-]\d{1,2}[./-]\d{2,4}(?!\d))"
        r"(?:\+\d(?:[ ./()-]{0,2}\d){6,14}"
        r"|(?:\(0\d{1,5}\)|0\d)(?:[ ./()-]{0,2}\d){5,12}"
        r"|(?:\(\d{3}\)|\d{3})[ .-]\d{3}[ .-]\d{4})"
        r"(?!\w|[.,-]\w)"
    ),
}


def admitted(text: str, guardrails: Guardrails, schemas: Schemas, *, context: str = "") -> str:
    """Return what a model may see of an input; raise NodeFailed for what it may not.

    The *context* that came with it is looked at, too.
    """
    if (refused := refusal_of(text, guardrails, schemas)) is not None:
        raise refused
    if (pattern := _blocked(context, guardrails, schemas)) is not None:
        raise NodeFailed("INPUT_BLOCKED", f"The context matches the blocked pattern {pattern}")
    return _without(text, guardrails)


def refusal_of(text: str, guardrails: Guardrails, schemas: Schemas) -> NodeFailed | None:
    """Return why an input may not reach a model, None when it may."""
    most = guardrails.max_input_chars
    if most is not None and len(text) > most:
        return NodeFailed("INPUT_TOO_LONG", f"The input is longer than {most} characters")
    if (pattern := _blocked(text, guardrails, schemas)) is not None:
        return NodeFailed("INPUT_BLOCKED", f"The input matches the blocked pattern {pattern}")
    return None


def released(value: Any, text: str, guardrails: Guardrails, schemas: Schemas) -> Any:
    """Return what may be seen of an answer, which is *text*; raise NodeFailed for what may not."""
    most = guardrails.max_output_chars
    if most is not None and len(text) > most:
        raise NodeFailed("OUTPUT_TOO_LONG", f"The answer is longer than {most} characters")
    if (pattern := _blocked(text, guardrails, schemas)) is not None:
        raise NodeFailed("OUTPUT_BLOCKED", f"The answer matches the blocked pattern {pattern}")
    return redacted(value, guardrails)


def redacted(value: Any, guardrails: Guardrails) -> Any:
    """Return a JSON value with the personal data in its texts replaced, as `[EMAIL]`."""
    if not guardrails.redact_pii:
        return value
    if isinstance(value, str):
        return _without(value, guardrails)
    if isinstance(value, Mapping):
        return {key: redacted(each, guardrails) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [redacted(each, guardrails) for each in value]
    return value


def guards_answers(guardrails: Guardrails) -> bool:
    """Say whether an answer may not be shown before it is whole."""
    return bool(guardrails.redact_pii or guardrails.blocked_patterns or guardrails.max_output_chars)


def _blocked(text: str, guardrails: Guardrails, schemas: Schemas) -> int | None:
    """Return which blocked pattern, counted from 1, is found in the text, if one is."""
    for number, pattern in enumerate(guardrails.blocked_patterns, 1):
        if schemas.is_found(pattern, text):
            return number
    return None


def _without(text: str, guardrails: Guardrails) -> str:
    for kind, pattern in _PATTERNS.items():
        if kind in guardrails.redact_pii:
            text = pattern.sub(_replacement(kind), text)
    return text


def _replacement(kind: Personal) -> Callable[[re.Match[str]], str]:
    def replaced(match: re.Match[str]) -> str:
        looks_only = _LOOKS_ONLY.get(kind)
        if looks_only is not None and looks_only(match[0]):
            return match[0]
        return f"[{kind.name}]"

    return replaced


def _is_no_card(text: str) -> bool:
    """Say whether the digits do not add up as those of a card do (ISO/IEC 7812)."""
    total = 0
    for place, digit in enumerate(reversed(_DIGITS.sub("", text))):
        number = int(digit) * (1 + place % 2)
        total += number - 9 if number > 9 else number
    return total % 10 != 0


def _is_no_address(text: str) -> bool:
    """Say whether what has colons is no address of somebody, but a time, `a::b` or the like."""
    if ":" not in text:
        return False
    try:
        IPv6Address(text)
    except ValueError:
        return True
    return sum(map(bool, text.split(":"))) < 3


_LOOKS_ONLY: Final[Mapping[Personal, Callable[[str], bool]]] = {
    Personal.CREDIT_CARD: _is_no_card,
    Personal.IP_ADDRESS: _is_no_address,
}
