"""Arithmetic: what is worked out, and that nothing else is, nor takes long."""

import math
from time import perf_counter

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from orbiter.domain.arithmetic import BITS_MAX, EXPRESSION_MAX, NotWorkedOut, worked_out

# Far more than any takes, and far less than any would take that is worked out in earnest.
SECONDS = 0.5


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("(2 + 3) * sqrt(16) / 8", 2.5),
        ("7 // 2 + 7 % 2", 4),
        ("-7 // 2", -4),
        ("-2 ** 2", -4),
        ("2 ** -2", 0.25),
        ("2 ** 1023", 2**1023),
        ("1 ** 99999999999", 1),
        ("2 ** -99999999999", 0.0),
        ("10 ** 300 - 10 ** 300 + 1", 1),
        ("0.1 + 0.2", 0.30000000000000004),
        ("  1_000 * 3 ", 3000),
        ("1e3", 1000.0),
        ("abs(-3) + min(4, 2, 8) + max(1, 5)", 10),
        ("pow(2, 10) + pow(4, 0.5)", 1026.0),
        ("round(2.567, 1)", 2.6),
        ("round(1234, -2)", 1200),
        ("round(2.5)", 2),
        ("floor(2.9) + ceil(2.1)", 5),
        ("log(8, 2)", 3.0),
        ("log10(1000)", math.log10(1000)),
        ("exp(0) + log(e)", 2.0),
        ("sin(0) + cos(0) + tan(0)", 1.0),
        ("2 * pi", 2 * math.pi),
        ("+".join(["1"] * 300), 300),
        ("(" * 100 + "7" + ")" * 100, 7),
    ],
)
def test_what_is_arithmetic_is_worked_out(expression: str, value: float) -> None:
    found = worked_out(expression)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("", "no arithmetic expression"),
        ("2 +", "no arithmetic expression"),
        ("two plus two", "no arithmetic expression"),
        ("2; 3", "no arithmetic expression"),
        ("\0", "no arithmetic expression"),
        ("\ud800", "no arithmetic expression"),
        ("(" * 400 + "1" + ")" * 400, "no arithmetic expression"),
        ("1/0", "division by zero"),
        ("7 // 0.0", "division by zero"),
        ("7 % 0", "division by zero"),
        ("0 ** -1", "division by zero"),
        ("sqrt(-1)", "not defined"),
        ("log(0)", "not defined"),
        ("(-8) ** 0.5", "no real result"),
        ("2 ^ 3", "written \\*\\*"),
        ("1e400", "too large"),
        ("exp(1000)", "too large"),
        ("10 ** 308 * 10.0", "too large"),
        ("2 ** 1023 * 2", "too large"),
        ("pow(9, pow(9, 9))", "too large"),
        ("pow(-8, 0.5)", "no real result"),
        ("pow(2, 3, 5)", "takes 2 numbers"),
        ("foo(1)", "'foo' is not known"),
        ("x + 1", "'x' is not known"),
        ("sqrt(x=1)", "not used so"),
        ("max()", "takes 1 to"),
        ("abs(1, 2)", "takes 1 numbers"),
        ("round(1.5, 0.5)", "whole number of digits"),
        ("True + 1", "Only numbers"),
        ("1j", "Only numbers"),
        ("'a' * 3", "Only numbers"),
        ("[1, 2]", "Only numbers"),
        ("1 < 2", "Only numbers"),
        ("1 if 1 else 2", "Only numbers"),
        ("1,000", "Only numbers"),
        ("~1", "Only numbers"),
        ("1 << 9", "Only numbers"),
        ("abs(*[1])", "Only numbers"),
        ("(1).real", "Only numbers"),
        ("(lambda: 1)()", "Only numbers"),
        ("__import__('os')", "not known"),
        ("(2).__class__.__mro__", "Only numbers"),
        ("1 " * (EXPRESSION_MAX // 2 + 1), "at most 1000 characters"),
    ],
)
def test_what_is_none_is_refused_with_the_reason(expression: str, why: str) -> None:
    with pytest.raises(NotWorkedOut, match=why):
        worked_out(expression)


@pytest.mark.parametrize(
    "expression",
    [
        "9**9**9**9",
        "9" * 400 + "**" + "9" * 400,
        "2**2**2**2**2**2",
        "*".join(["9" * 300] * 3),
        "((10**308)**2)**(10**308)",
        "round(5, -10**9)",
        "round(5, -1000)",
        "floor(10.0**308)**10",
        "-" * 999 + "1",
        "**".join(["9"] * 300),
        "(-10**300)**(-10**300)",
        "max(" + "9**9**9," * 100 + "1)",
    ],
)
def test_bombs_do_not_go_off(expression: str) -> None:
    begun = perf_counter()
    try:
        assert abs(worked_out(expression)) < 2**BITS_MAX
    except NotWorkedOut:
        pass
    assert perf_counter() - begun < SECONDS


words = st.sampled_from(
    ["1", "0", "2.5", "9" * 40, "e", "pi", "+", "-", "*", "/", "//", "%", "**", "(", ")", ",", " "]
    + ["sqrt", "round", "max", "log", "abs", "exp", "floor", "1e308", "x", ".", "[", "'"]
)


@given(st.lists(words, max_size=30).map("".join) | st.text(max_size=40))
@example("2**-1" * 20)
def test_whatever_is_written_gives_a_number_or_a_reason(expression: str) -> None:
    try:
        value = worked_out(expression)
    except NotWorkedOut as reason:
        assert str(reason)
    else:
        assert type(value) in (int, float) and math.isfinite(value)
        assert abs(value) < 2**BITS_MAX


@given(st.integers(-(10**50), 10**50), st.integers(-(10**50), 10**50))
def test_whole_numbers_stay_exact(first: int, second: int) -> None:
    assert worked_out(f"({first}) * ({second}) + ({first})") == first * second + first
