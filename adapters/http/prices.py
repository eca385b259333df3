"""/api/v1/prices: what the tokens of a model cost."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import partial
from typing import Annotated, Final

from litestar import Controller, delete, get, put
from litestar.di import NamedDependency
from litestar.params import FromQuery, JSONBody, PathParameter
from msgspec import Meta

from orbiter.adapters.http.access import ActorRequest, requires
from orbiter.adapters.http.paging import PageOut, Pages
from orbiter.adapters.http.parameters import text
from orbiter.adapters.http.wire import Input, Output, Rule
from orbiter.application.facade import Orbiter
from orbiter.domain.errors import FieldProblem
from orbiter.domain.identity import Permission
from orbiter.domain.prices import (
    MODEL_MAX,
    PLACES_MAX,
    USD_PER_MILLION_MAX,
    PriceSource,
    figure_problems,
)
from orbiter.domain.providers import ProviderType

Model = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=MODEL_MAX,
        description="As calls name it, or without the provider for all that have it.",
        examples=["openai:gpt-4o"],
    ),
]
# A path, as there are models with slashes in their names.
ModelPath = Annotated[
    str,
    PathParameter(
        description="The model as calls name it, `openrouter:anthropic/claude-sonnet-4.5`, or "
        "without the provider for all that have it; percent-encoded or not.",
    ),
]
Dollars = Annotated[
    float,
    Meta(
        ge=0,
        le=USD_PER_MILLION_MAX,
        description=f"US dollars for a million tokens, with at most {PLACES_MAX} decimal places.",
        examples=[2.5],
    ),
]


def _problems(field: str, dollars: float) -> Iterator[FieldProblem]:
    return figure_problems(field, _exact(dollars))


def _exact(dollars: float) -> Decimal:
    """Return the number as it was written: so many digits come through a float unharmed."""
    return Decimal(str(dollars))


_FIGURES: Final = ("input_usd_per_million", "output_usd_per_million")
_RULES: Final[Mapping[str, Rule]] = {name: partial(_problems, name) for name in _FIGURES}


class NewPrice(Input):
    """What the workspace pays for a model."""

    rules = _RULES

    input_usd_per_million: Dollars
    output_usd_per_million: Dollars


class PriceOut(Output):
    """A price, of the list that comes with Orbiter or set here.

    *provider* is the type in the model's name; it is null in prices of any, and of one by its name.
    """

    model: Model
    provider: ProviderType | None
    input_usd_per_million: Dollars
    output_usd_per_million: Dollars
    source: PriceSource


class PriceController(Controller):
    """Looking prices up, and setting them."""

    path = "/prices"
    tags = ("prices",)

    @get(opt=requires(Permission.PRICES_READ), summary="List prices")
    async def page(
        self,
        request: ActorRequest,
        core: NamedDependency[Orbiter],
        pages: NamedDependency[Pages],
        q: FromQuery[str | None] = None,
    ) -> PageOut[PriceOut]:
        """Return the present prices of models whose name holds `q`, where case does not count.

        The workspace's own come first and stand for the kept ones, both in the order of their
        names; `order=asc` turns it all round. Where a long input costs more, or one that the vendor
        had in its cache less, the list shows what the first tokens cost. A model that has no price
        costs null, never 0.
        """
        found = await core.prices.page(request.user, pages.wanted, text(q))
        return pages.show(found, PriceOut)

    @put("/{model:path}", opt=requires(Permission.PRICES_WRITE), summary="Set a price")
    async def put(
        self,
        request: ActorRequest,
        core: NamedDependency[Orbiter],
        model: ModelPath,
        data: JSONBody[NewPrice],
    ) -> PriceOut:
        """Set what the workspace pays for a model; calls from now on cost that, earlier ones stay.

        It counts for input from the vendor's cache, too. A price for `openai-eu:gpt-4o`, one
        provider by its name, wins over one for `openai:gpt-4o`, its type, and that over one for
        `gpt-4o`. 409 when there are 1000.
        """
        dollars = {name: _exact(getattr(data, name)) for name in _FIGURES}
        return PriceOut.of(await core.prices.put(request.user, _name(model), **dollars))

    @delete("/{model:path}", opt=requires(Permission.PRICES_WRITE), summary="Delete a price")
    async def remove(
        self, request: ActorRequest, core: NamedDependency[Orbiter], model: ModelPath
    ) -> None:
        """Go back to the kept price of a model; 404 unless the workspace has set one."""
        await core.prices.remove(request.user, _name(model))


def _name(model: str) -> str:
    return model.removeprefix("/")
