"""Prices: exact to the billionth of a dollar, whatever is counted."""

from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orbiter.domain.errors import Invalid
from orbiter.domain.prices import USD_PER_MILLION_MAX, Cached, Price, model_names
from orbiter.domain.providers import ProviderType
from orbiter.domain.runs import Usage
from support.builders import a_provider

BILLION: Final = 10**9
figures: Final = st.integers(0, USD_PER_MILLION_MAX * BILLION).map(
    lambda billionths: Decimal(billionths).scaleb(-9)
)
tokens: Final = st.integers(0, 10**15)


def a_price(**changes: Any) -> Price:
    """Return a workspace's own price."""
    given = {
        "model": "openai:gpt-4o",
        "input_usd_per_million": Decimal("2.5"),
        "output_usd_per_million": Decimal(10),
    }
    return Price(**{**given, **changes})


@given(figures, figures, figures, figures, tokens, tokens, tokens, tokens)
def test_a_cost_is_the_exact_one_to_the_nearest_billionth(
    per_input: Decimal,
    per_output: Decimal,
    per_cached: Decimal,
    per_written: Decimal,
    new: int,
    out: int,
    cached: int,
    written: int,
) -> None:
    price = a_price(
        input_usd_per_million=per_input,
        output_usd_per_million=per_output,
        cached_usd_per_million=per_cached,
        written_usd_per_million=per_written,
    )
    usage = Usage(input_tokens=new + cached + written, output_tokens=out)
    cost = price.cost(usage, Cached(read=cached, written=written))
    exact = (
        Fraction(per_input) * new
        + Fraction(per_output) * out
        + Fraction(per_cached) * cached
        + Fraction(per_written) * written
    ) / 10**6
    assert abs(Fraction(cost) - exact) <= Fraction(1, 2 * BILLION)
    assert cost.as_tuple().exponent == -9


@pytest.mark.parametrize(
    ("usage", "cached", "expected"),
    [
        (Usage(), 0, "0"),
        (Usage(input_tokens=1_000_000, output_tokens=1_000_000), 0, "12.5"),
        (Usage(input_tokens=3, output_tokens=1), 0, "0.0000175"),
        (Usage(input_tokens=1000), 400, "0.0025"),
        (Usage(input_tokens=10), 1000, "0.000025"),
    ],
)
def test_what_tokens_cost(usage: Usage, cached: int, expected: str) -> None:
    for told in (Cached(read=cached), Cached(written=cached), Cached(read=cached, written=cached)):
        assert a_price().cost(usage, told) == Decimal(expected)


def test_input_from_the_vendors_cache_has_its_own_price_where_there_is_one() -> None:
    price = a_price(cached_usd_per_million=Decimal("1.25"), written_usd_per_million=Decimal("3.75"))
    assert price.cost(Usage(input_tokens=1000), Cached(read=400)) == Decimal("0.002")
    assert price.cost(Usage(input_tokens=1000), Cached(written=400)) == Decimal("0.003")


@pytest.mark.parametrize(
    ("figure", "kind"),
    [
        ("-0.000000001", "greater_than_equal"),
        ("NaN", "greater_than_equal"),
        ("Infinity", "less_than_equal"),
        ("100000.000000001", "less_than_equal"),
        ("0.0000000001", "decimal_max_places"),
        ("2.50000000001", "decimal_max_places"),
    ],
)
def test_other_figures_are_refused(figure: str, kind: str) -> None:
    with pytest.raises(Invalid) as refusal:
        a_price(input_usd_per_million=Decimal(figure), output_usd_per_million=Decimal(figure))
    assert [(each.field, each.type) for each in refusal.value.problems] == [
        ("input_usd_per_million", kind),
        ("output_usd_per_million", kind),
    ]


@pytest.mark.parametrize("figure", ["0", "0.000000001", "1.500000000000", "1E+3", "100000"])
def test_such_figures_are_taken(figure: str) -> None:
    assert a_price(input_usd_per_million=Decimal(figure))


@pytest.mark.parametrize("model", ["", " gpt", "gpt ", "a\0b", "a\nb", "\ud800", "m" * 256])
def test_what_names_no_model_is_refused(model: str) -> None:
    with pytest.raises(Invalid):
        a_price(model=model)


@pytest.mark.parametrize(
    ("model", "provider"),
    [
        ("openai:gpt-4o", ProviderType.OPENAI),
        ("ollama:llama3:8b", ProviderType.OLLAMA),
        ("gpt-4o", None),
        ("openai", None),
        ("llama3:8b", None),
    ],
)
def test_a_price_is_of_one_provider_or_of_any(model: str, provider: ProviderType | None) -> None:
    assert a_price(model=model).provider is provider


def test_the_price_of_a_provider_wins() -> None:
    provider = a_provider("w", name="fast", provider_type=ProviderType.GROQ)
    assert model_names(provider, "a/b") == ("fast:a/b", "groq:a/b", "a/b")
