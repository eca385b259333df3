"""The kept list of prices: what it knows, what it does not, and that it asks nobody."""

import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

import pytest
from genai_prices import Usage as GenaiUsage
from genai_prices import calc_price
from genai_prices.data import providers as vendors

from orbiter.adapters.prices.kept import KeptPrices
from orbiter.domain.prices import NOTHING_CACHED, Cached, Price, PriceSource
from orbiter.domain.providers import ProviderType
from orbiter.domain.runs import Usage
from support.clock import START

VENDORS: Final = {
    ProviderType.OPENAI: "openai",
    ProviderType.ANTHROPIC: "anthropic",
    ProviderType.GEMINI: "google",
    ProviderType.AZURE_OPENAI: "azure",
    ProviderType.MISTRAL: "mistral",
    ProviderType.GROQ: "groq",
    ProviderType.OPENROUTER: "openrouter",
}
# What a call of text is priced by; pictures, sound and searches are not counted.
OF_TEXT: Final = {
    "input_mtok",
    "output_mtok",
    "cache_read_mtok",
    "cache_write_mtok",
    "cache_write_1h_mtok",
    "web_searches_kcount",
    "storage_searches_kcount",
}


@pytest.fixture(scope="module")
def kept() -> KeptPrices:
    return KeptPrices()


async def cost(
    kept: KeptPrices,
    type: ProviderType,
    model: str,
    usage: Usage,
    cached: Cached = NOTHING_CACHED,
    **more: Any,
) -> Decimal | None:
    """Return what a call costs."""
    at = more.get("at", START)
    price = await kept.price(type, model, input_tokens=usage.input_tokens, at=at)
    return None if price is None else price.cost(usage, cached)


async def test_what_a_call_costs(kept: KeptPrices) -> None:
    usage = Usage(input_tokens=1000, output_tokens=100)
    assert await cost(kept, ProviderType.OPENAI, "gpt-4o", usage) == Decimal("0.0035")
    assert await cost(kept, ProviderType.OPENAI, "gpt-4o", usage, Cached(read=400)) == Decimal(
        "0.003"
    )
    assert await cost(kept, ProviderType.AZURE_OPENAI, "gpt-4o", usage) == Decimal("0.0035")
    sonnet = await cost(kept, ProviderType.ANTHROPIC, "claude-sonnet-4-5-20250929", usage)
    assert sonnet == Decimal("0.0045")


@pytest.mark.parametrize(
    ("type", "model"),
    [
        (ProviderType.OPENAI, "no-such-model"),
        (ProviderType.OPENAI, ""),
        (ProviderType.OPENAI, "m" * 100_000),
        (ProviderType.OPENAI, "\ud800\0"),
        (ProviderType.OPENAI, "whisper-1"),
        (ProviderType.OPENAI, "tts-1"),
        (ProviderType.GEMINI, "gemma-3"),
        (ProviderType.OLLAMA, "llama3"),
        (ProviderType.OPENAI_COMPATIBLE, "gpt-4o"),
    ],
)
async def test_what_nobody_knows_has_no_price_and_is_not_free(
    kept: KeptPrices, type: ProviderType, model: str
) -> None:
    assert await kept.price(type, model, input_tokens=1000, at=START) is None


async def test_what_is_free_costs_nothing(kept: KeptPrices) -> None:
    usage = Usage(input_tokens=1000, output_tokens=100)
    assert await cost(kept, ProviderType.ECHO, "script", usage) == 0
    assert await cost(kept, ProviderType.OPENROUTER, "deepseek/deepseek-r1:free", usage) == 0


async def test_a_long_input_costs_more_where_the_vendor_says_so(kept: KeptPrices) -> None:
    short, long = Usage(input_tokens=200_000), Usage(input_tokens=200_001)
    model = ProviderType.GEMINI, "gemini-2.5-pro"
    assert await cost(kept, *model, short) == Decimal("0.25")
    assert await cost(kept, *model, long) == Decimal("0.5000025")


async def test_the_price_is_that_of_the_moment(kept: KeptPrices) -> None:
    usage = Usage(input_tokens=1_000_000)
    model = ProviderType.OPENAI, "o3"
    before = await cost(kept, *model, usage, at=datetime(2025, 6, 1, tzinfo=UTC))
    after = await cost(kept, *model, usage, at=datetime(2025, 7, 1, tzinfo=UTC))
    assert (before, after) == (Decimal(10), Decimal(2))


@pytest.mark.parametrize("type", VENDORS)
@pytest.mark.parametrize(
    "size",
    [(7, 0, 0, 3), (150_000, 40_000, 0, 999), (300_000, 0, 0, 10_000), (9_000, 1_000, 4_000, 7)],
)
async def test_costs_are_those_of_the_packages_own_arithmetic(
    kept: KeptPrices, type: ProviderType, size: tuple[int, int, int, int]
) -> None:
    tokens_in, read, written, tokens_out = size
    compared = 0
    (vendor,) = (each for each in vendors if each.id == VENDORS[type])
    for model in vendor.models:
        figures = {name for name, figure in vars(model.get_prices(START)).items() if figure}
        if vendor.find_model(model.id) is not model or not {"input_mtok", "output_mtok"} <= figures:
            continue
        if not figures <= OF_TEXT or (read and "cache_read_mtok" not in figures):
            continue
        if written and "cache_write_mtok" not in figures:
            continue
        theirs = calc_price(
            GenaiUsage(
                input_tokens=tokens_in,
                cache_read_tokens=read,
                cache_write_tokens=written,
                output_tokens=tokens_out,
            ),
            model.id,
            provider_id=vendor.id,
            genai_request_timestamp=START,
        )
        usage = Usage(input_tokens=tokens_in, output_tokens=tokens_out)
        ours = await cost(kept, type, model.id, usage, Cached(read=read, written=written))
        assert ours is not None and abs(ours - theirs.total_price) <= Decimal("5e-10"), model.id
        compared += 1
    assert compared > 3 or written


async def test_the_list_names_models_as_calls_do(kept: KeptPrices) -> None:
    every = await kept.every(at=START)
    names = [price.model for price in every]
    assert len(names) == len(set(names)) > 1000
    assert names == sorted(names)
    assert {"openai:gpt-4o", "openrouter:openai/gpt-4o", "gemini:gemini-2.5-pro"} <= set(names)
    assert {price.source for price in every} == {PriceSource.KEPT}
    assert {price.provider for price in every} == set(VENDORS)
    (gpt,) = (price for price in every if price.model == "openai:gpt-4o")
    assert gpt == Price(
        model="openai:gpt-4o",
        input_usd_per_million=Decimal("2.5"),
        output_usd_per_million=Decimal(10),
        cached_usd_per_million=Decimal("1.25"),
        source=PriceSource.KEPT,
    )


def test_the_package_is_imported_when_a_price_is_asked_for_and_not_before() -> None:
    code = (
        "import sys; from orbiter.entrypoints.container import in_memory; in_memory().core();"
        "assert 'genai_prices' not in sys.modules"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0
