"""What counts as personal data, and what does not."""

import time
from typing import Any

import pytest

from orbiter.application.execution.agents.guardrails import redacted
from orbiter.domain.agents import Guardrails, Personal


def without(text: Any, *kinds: Personal) -> Any:
    return redacted(text, Guardrails(redact_pii=kinds or tuple(Personal)))


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (Personal.EMAIL, "ada@example.org"),
        (Personal.EMAIL, "Ada.L+tag@mail.example.co.uk"),
        (Personal.CREDIT_CARD, "4111 1111 1111 1111"),
        (Personal.CREDIT_CARD, "5500-0000-0000-0004"),
        (Personal.CREDIT_CARD, "340000000000009"),
        (Personal.IBAN, "DE89 3704 0044 0532 0130 00"),
        (Personal.IBAN, "GB29NWBK60161331926819"),
        (Personal.IP_ADDRESS, "203.0.113.7"),
        (Personal.IP_ADDRESS, "2001:db8::1"),
        (Personal.IP_ADDRESS, "2001:0DB8:85a3:0000:0000:8a2e:0370:7334"),
        (Personal.PHONE, "+49 30 901820"),
        (Personal.PHONE, "+1 (555) 123-4567"),
        (Personal.PHONE, "+33612345678"),
        (Personal.PHONE, "030/901820"),
        (Personal.PHONE, "(0171) 555 12 34"),
        (Personal.PHONE, "555-123-4567"),
        (Personal.PHONE, "(555) 123-4567"),
    ],
)
def test_personal_data_is_replaced(kind: Personal, text: str) -> None:
    for said in ("{}", "It is {}.", "({})", "{}, I think", "first {}\nthen"):
        assert without(said.format(text), kind) == said.format(f"[{kind.name}]")


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-25",
        "25.11.2026",
        "01/02/2026",
        "2026-11-25T09:30:00.123Z",
        "019ad2f1-5b0e-7c2a-9a44-1f0e6a1c9b11",
        "0192f000-0000-7000-8000-000000000001",
        "0.123456789",
        "order 4711",
        "12,345,678.90 USD",
        "1 000 000",
        "version 3.11.4",
        "4111 1111 1111 1112",
        "a @ b",
        "300.1.1.1",
        "from 09:30:15 to 10::20",
        "std::bad, abc::def, rows[::2]",
        "00:1A:2B:3C:4D:5E",
        "5 + 5 = 10",
    ],
)
def test_other_things_stay(text: str) -> None:
    assert without(text) == text


def test_only_what_was_asked_for_is_replaced() -> None:
    text = "ada@example.org, 203.0.113.7"
    assert without(text, Personal.EMAIL) == "[EMAIL], 203.0.113.7"
    assert redacted(text, Guardrails()) == text


def test_texts_are_found_however_deep() -> None:
    value = {"to": ["ada@example.org", {"n": 1, "ip": "203.0.113.7"}], "ok": True, "none": None}
    assert without(value) == {
        "to": ["[EMAIL]", {"n": 1, "ip": "[IP_ADDRESS]"}],
        "ok": True,
        "none": None,
    }


@pytest.mark.parametrize(
    "piece", ["0", "0 ", "+0", "(0)", "a@", "a.", "AB12 ", "1-", "1.1.", "a:", "::"]
)
def test_no_text_takes_long(piece: str) -> None:
    begun = time.perf_counter()
    without(piece * (200_000 // len(piece)))
    assert time.perf_counter() - begun < 2
