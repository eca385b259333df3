"""Prices: what the tokens of a model cost."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal
from enum import StrEnum
from typing import Final

from orbiter.domain.checks import number_problems, require, text_problems
from orbiter.domain.errors import FieldProblem
from orbiter.domain.providers import Provider, ProviderType
from orbiter.domain.runs import Usage

MODEL_MAX: Final = 255
USD_PER_MILLION_MAX: Final = 100_000
PLACES_MAX: Final = 9
PER_WORKSPACE_MAX: Final = 1000

_TYPES: Final = frozenset(each.value for each in ProviderType)
_BILLIONTH: Final = Decimal("1e-9")
_MILLION: Final = Decimal(10**6)
# Wide enough for any count of tokens: nothing is rounded but the sum.
_EXACT: Final = Context(prec=100, rounding=ROUND_HALF_UP)


class PriceSource(StrEnum):
    """Whose price it is: of the list that comes with Orbiter, or the workspace's own."""

    KEPT = "kept"
    WORKSPACE = "workspace"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cached:
    """How many tokens of an input were read from the vendor's cache, and how many written to it."""

    read: int = 0
    written: int = 0


NOTHING_CACHED: Final = Cached()


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What a million tokens of a model cost in US dollars, to the billionth.

    *model* is named as calls name it, `openai:gpt-4o`, or without a provider, for all that have it.
    *cached* is the price of input that the vendor had in its cache, *written* of what it put there;
    None if it is that of any.
    """

    model: str
    input_usd_per_million: Decimal
    output_usd_per_million: Decimal
    cached_usd_per_million: Decimal | None = None
    written_usd_per_million: Decimal | None = None
    source: PriceSource = PriceSource.WORKSPACE

    def __post_init__(self) -> None:
        require(
            text_problems("model", self.model, minimum=1, maximum=MODEL_MAX),
            _name_problems(self.model),
            figure_problems("input_usd_per_million", self.input_usd_per_million),
            figure_problems("output_usd_per_million", self.output_usd_per_million),
            figure_problems("cached_usd_per_million", self.cached_usd_per_million),
            figure_problems("written_usd_per_million", self.written_usd_per_million),
        )

    @property
    def provider(self) -> ProviderType | None:
        """Return the type of provider it is the price of, None if of any or of one by its name."""
        word, colon, _ = self.model.partition(":")
        return ProviderType(word) if colon and word in _TYPES else None

    def cost(self, usage: Usage, cached: Cached = NOTHING_CACHED) -> Decimal:
        """Return what *usage* costs, to the nearest billionth of a dollar.

        *cached* says how much of its input the vendor's cache had to do with.
        """
        read = min(cached.read, usage.input_tokens)
        written = min(cached.written, usage.input_tokens - read)
        total = Decimal(0)
        for tokens, price in (
            (usage.input_tokens - read - written, self.input_usd_per_million),
            (read, self._of_input(self.cached_usd_per_million)),
            (written, self._of_input(self.written_usd_per_million)),
            (usage.output_tokens, self.output_usd_per_million),
        ):
            total = _EXACT.add(total, _EXACT.multiply(Decimal(tokens), price))
        return _EXACT.quantize(_EXACT.divide(total, _MILLION), _BILLIONTH)

    def _of_input(self, special: Decimal | None) -> Decimal:
        return self.input_usd_per_million if special is None else special


def model_names(provider: Provider, model: str) -> tuple[str, str, str]:
    """Return the names under which a workspace may have set a price, the one that wins first."""
    return f"{provider.name}:{model}", f"{provider.provider_type}:{model}", model


def _name_problems(model: str) -> Iterator[FieldProblem]:
    if model != model.strip() or not model.isprintable():
        yield FieldProblem("model", "String should be the name of a model")


def figure_problems(field: str, value: Decimal | None) -> Iterator[FieldProblem]:
    """Yield what is wrong with the dollars in *field*, if there are any."""
    if value is None:
        return
    problems = [*number_problems(field, float(value), minimum=0, maximum=USD_PER_MILLION_MAX)]
    yield from problems
    if not problems and value != _EXACT.quantize(value, _BILLIONTH):
        message = f"Decimal input should have no more than {PLACES_MAX} decimal places"
        yield FieldProblem(field, message, "decimal_max_places")
