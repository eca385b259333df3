"""Calls of models by name: pools, retries, cool-downs, costs."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orbiter.adapters.memory.storage import MemoryStorage
from orbiter.adapters.models.echo import EchoModels
from orbiter.adapters.prices.kept import KeptPrices
from orbiter.adapters.security.encryption import FernetCipher
from orbiter.application.models import Models
from orbiter.application.ports.models import (
    Answered,
    ChatMessage,
    ChatRequest,
    ChatRole,
    ModelError,
    OnText,
)
from orbiter.application.prices import WorkspacePrices
from orbiter.application.sealing import Seals
from orbiter.application.vendors import Vendors
from orbiter.domain.providers import Provider, ProviderType
from support.builders import a_provider
from support.clock import ManualClock
from support.models import (
    ABSENT,
    BUSY,
    DOWN,
    REFUSED,
    SLOW,
    SPENT,
    LaidOutModels,
    SetPrices,
    busy_for,
)

MINE, THEIRS = "workspace-1", "workspace-2"
HELLO = ChatRequest(model="", messages=[ChatMessage(role=ChatRole.USER, content="hello")])
SEALS = Seals(FernetCipher(["k" * 32]))


@dataclass
class Exchange:
    """Models over providers in memory; of each backoff the whole is waited."""

    storage: MemoryStorage = field(default_factory=MemoryStorage)
    clock: ManualClock = field(default_factory=ManualClock)
    prices: SetPrices = SetPrices()

    def __post_init__(self) -> None:
        self.gateway = LaidOutModels(self.clock)
        self.vendors = Vendors(self.gateway, SEALS)
        self.models = Models(
            self.storage, self.gateway, SEALS, self.prices, self.clock, chance=lambda: 1.0
        )

    async def have(self, key: str, **changes: Any) -> Provider:
        """Store a provider with a key, which is its name, too."""
        provider = a_provider(changes.pop("workspace_id", MINE), **{"name": key, **changes})
        sealed = provider.take_key(self.vendors.seal(provider, key), None)
        async with self.storage.open(provider.workspace_id) as uow:
            await uow.providers.add(sealed)
        return sealed

    async def ask(self, name: str = "openai:gpt-4o", on_text: OnText | None = None) -> Answered:
        return await self.models.chat(MINE, name, HELLO, on_text)

    async def refusal(self, name: str = "openai:gpt-4o") -> ModelError:
        with pytest.raises(ModelError) as refused:
            await self.ask(name)
        return refused.value


@pytest.fixture
def exchange() -> Exchange:
    return Exchange()


async def test_a_provider_is_called_by_its_name_with_its_key_and_bounds(exchange: Exchange) -> None:
    await exchange.have("other", priority=-1)
    await exchange.have("Mine", base_url="https://models.example.org/v1", timeout_seconds=7)
    answered = await exchange.ask("Mine:org/llama3:8b")
    assert (answered.provider, answered.model) == ("Mine", "Mine:org/llama3:8b")
    (call,) = exchange.gateway.calls
    assert (call.key, call.endpoint.base_url) == ("Mine", "https://models.example.org/v1")
    assert call.endpoint.timeout_seconds == 7
    assert call.request == replace(HELLO, model="org/llama3:8b")


async def test_a_type_is_a_pool_the_lowest_priority_first(exchange: Exchange) -> None:
    await exchange.have("openai", priority=5)
    await exchange.have("younger", priority=1)
    await exchange.have("first", priority=0)
    await exchange.have("off", priority=-9, enabled=False)
    await exchange.have("groq-1", priority=-9, provider_type=ProviderType.GROQ)
    await exchange.have("theirs", priority=-9, workspace_id=THEIRS)
    for key in ("first", "younger"):
        exchange.gateway.fail(key, DOWN)
    assert (await exchange.ask()).answer.text == "openai"
    assert [key for key, _ in exchange.gateway.called] == ["first", "younger", "openai"]


@pytest.mark.parametrize("failure", [BUSY, DOWN, SLOW, REFUSED, busy_for(3600)])
async def test_the_next_steps_in_at_once(exchange: Exchange, failure: ModelError) -> None:
    await exchange.have("first")
    await exchange.have("second", priority=1)
    exchange.gateway.fail("first", failure)
    answered = await exchange.ask()
    assert (answered.provider, answered.model) == ("second", "openai:gpt-4o")
    assert exchange.gateway.called == [("first", 0), ("second", 0)]


async def test_each_further_try_is_told_with_what_failed_before(exchange: Exchange) -> None:
    await exchange.have("first", max_retries=0)
    await exchange.have("second", priority=1)
    exchange.gateway.fail("first", BUSY)
    exchange.gateway.fail("second", DOWN)
    told: list[str] = []
    await exchange.models.chat(MINE, "openai:gpt-4o", HELLO, on_retry=told.append)
    assert told == [
        f"Attempt 1 failed, first: {BUSY.message}",
        f"Attempt 2 failed, second: {DOWN.message}",
    ]


@pytest.mark.parametrize(
    ("failure", "seconds"),
    [
        (BUSY, 30),
        (DOWN, 30),
        (SLOW, 30),
        (REFUSED, 300),
        (busy_for(7), 7),
        (busy_for(120), 120),
        (busy_for(86_400), 600),
    ],
)
async def test_who_fails_rests_and_then_is_called_again(
    exchange: Exchange, failure: ModelError, seconds: int
) -> None:
    await exchange.have("first")
    await exchange.have("second", priority=1)
    exchange.gateway.fail("first", failure)
    await exchange.ask()
    exchange.clock.advance(timedelta(seconds=seconds - 1))
    assert (await exchange.ask()).provider == "second"
    exchange.clock.advance(timedelta(seconds=1))
    assert (await exchange.ask()).provider == "first"


async def test_who_is_given_another_key_rests_no_longer(exchange: Exchange) -> None:
    first = await exchange.have("first")
    await exchange.have("second", priority=1)
    exchange.gateway.fail("first", REFUSED)
    await exchange.ask()
    exchange.clock.advance(timedelta(seconds=1))
    async with exchange.storage.open(MINE) as uow:
        await uow.providers.save(first.revise(at=exchange.clock.now()))
    assert (await exchange.ask()).provider == "first"


async def test_when_all_rest_the_one_that_wakes_first_is_called_without_waiting(
    exchange: Exchange,
) -> None:
    for priority, (key, seconds) in enumerate({"a": 300, "b": 100, "c": 200}.items()):
        await exchange.have(key, priority=priority)
        exchange.gateway.fail(key, busy_for(seconds))
    assert (await exchange.refusal()).retry_after == 200
    exchange.clock.advance(timedelta(seconds=60))
    assert (await exchange.ask()).provider == "b"
    assert exchange.gateway.called[3:] == [("b", 60)]
    assert (await exchange.ask()).provider == "b"


async def test_one_alone_is_tried_again_with_growing_pauses(exchange: Exchange) -> None:
    await exchange.have("only", max_retries=6)
    exchange.gateway.fail("only", *[DOWN] * 6)
    assert (await exchange.ask()).answer.text == "only"
    assert [after for _, after in exchange.gateway.called] == [0, 0.5, 1.5, 3.5, 7.5, 15.5, 23.5]
    told = [call.request.failures for call in exchange.gateway.calls if call.request]
    assert told == [0, 1, 2, 3, 4, 5, 6]


@given(st.floats(0, 1, exclude_max=True))
def test_half_of_each_pause_is_by_chance(chance: float) -> None:
    async def after() -> float:
        exchange = Exchange()
        models = Models(
            exchange.storage,
            exchange.gateway,
            SEALS,
            SetPrices(),
            exchange.clock,
            chance=lambda: chance,
        )
        await exchange.have("only")
        exchange.gateway.fail("only", DOWN)
        await models.chat(MINE, "only:m", HELLO)
        return exchange.gateway.called[1][1]

    assert asyncio.run(after()) == pytest.approx(0.25 + chance / 4, abs=0.001)


@pytest.mark.parametrize("retries", [0, 2])
async def test_no_more_retries_than_the_provider_allows(exchange: Exchange, retries: int) -> None:
    await exchange.have("only", max_retries=retries)
    exchange.gateway.fail("only", *[DOWN] * 20)
    assert (await exchange.refusal()).code == "MODEL_UNAVAILABLE"
    assert len(exchange.gateway.calls) == retries + 1


async def test_what_the_vendor_asks_for_is_waited(exchange: Exchange) -> None:
    await exchange.have("only")
    exchange.gateway.fail("only", busy_for(17), busy_for(30), busy_for(0))
    await exchange.ask()
    assert [after for _, after in exchange.gateway.called] == [0, 17, 47, 49]


async def test_nobody_waits_for_more_than_half_a_minute(exchange: Exchange) -> None:
    await exchange.have("only")
    exchange.gateway.fail("only", busy_for(30.5))
    assert (await exchange.refusal()).retry_after == 30.5
    assert exchange.gateway.called == [("only", 0)]


async def test_when_the_whole_pool_fails_its_members_take_turns(exchange: Exchange) -> None:
    await exchange.have("first", max_retries=1)
    await exchange.have("second", max_retries=2)
    for key in ("first", "second"):
        exchange.gateway.fail(key, *[DOWN] * 9)
    assert (await exchange.refusal()).code == "MODEL_UNAVAILABLE"
    assert exchange.gateway.called == [
        ("first", 0),
        ("second", 0),
        ("first", 0.5),
        ("second", 0.5),
        ("second", 1.5),
    ]


@pytest.mark.parametrize(
    "failure",
    [ABSENT, ModelError("CONTEXT_LENGTH_EXCEEDED", "x"), ModelError("EGRESS_DENIED", "x")],
)
async def test_what_would_fail_everywhere_is_not_tried_again(
    exchange: Exchange, failure: ModelError
) -> None:
    await exchange.have("first")
    await exchange.have("second")
    exchange.gateway.fail("first", failure)
    assert (await exchange.refusal()).code == failure.code
    assert exchange.gateway.called == [("first", 0)]
    assert (await exchange.ask()).provider == "first"


async def test_what_passes_here_is_tried_again_here(exchange: Exchange) -> None:
    await exchange.have("first")
    await exchange.have("second")
    garbled = ModelError("MODEL_BAD_ANSWER", "?", passing=True)
    exchange.gateway.fail("first", garbled)
    assert (await exchange.ask()).provider == "first"
    exchange.gateway.fail("first", *[garbled] * 9)
    assert (await exchange.refusal()).code == "MODEL_BAD_ANSWER"
    assert {key for key, _ in exchange.gateway.called} == {"first"}


@pytest.mark.parametrize("failure", [asyncio.CancelledError(), ZeroDivisionError()])
async def test_other_exceptions_pass_at_once(exchange: Exchange, failure: BaseException) -> None:
    await exchange.have("first")
    await exchange.have("second")
    exchange.gateway.fail("first", failure)
    with pytest.raises(type(failure)):
        await exchange.ask()
    assert exchange.gateway.called == [("first", 0)]


async def test_an_answer_that_breaks_off_is_told_anew(exchange: Exchange) -> None:
    await exchange.have("first")
    await exchange.have("second")
    exchange.gateway.fail("first", DOWN)
    told: list[str] = []
    await exchange.ask(on_text=told.append)
    assert told == ["half ", "half ", "whole"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("openai:gpt-4o", "'openai'"),
        ("Main:gpt-4o", "'Main'"),
        ("theirs:m", "'theirs'"),
        ("off:m", "'off'"),
        ("gpt-4o", "'gpt-4o' names no model"),
        ("", "'' names no model"),
        (":m", "':m' names no model"),
        ("openai:", "'openai:' names no model"),
    ],
)
async def test_nobody_to_call_is_told_by_what_was_asked_for(
    exchange: Exchange, name: str, said: str
) -> None:
    await exchange.have("theirs", workspace_id=THEIRS, provider_type=ProviderType.GROQ)
    await exchange.have("off", enabled=False)
    refused = await exchange.refusal(name)
    assert (refused.code, refused.passing) == ("PROVIDER_NOT_FOUND", False)
    assert said in refused.message
    assert exchange.gateway.calls == []


async def test_a_key_copied_to_another_provider_opens_nothing(exchange: Exchange) -> None:
    first = await exchange.have("first")
    thief = a_provider(MINE, name="thief", base_url="https://evil.example.org")
    async with exchange.storage.open(MINE) as uow:
        await uow.providers.add(thief.take_key(first.sealed_key, None))
    refused = await exchange.refusal("thief:m")
    assert refused.code == "MODEL_KEY_REFUSED"
    assert exchange.gateway.calls == []
    assert (await exchange.ask()).provider == "first"


async def test_an_unreadable_key_is_stepped_in_for(exchange: Exchange) -> None:
    stored = a_provider(MINE, name="lost", priority=-1).take_key(b"sealed otherwise", None)
    async with exchange.storage.open(MINE) as uow:
        await uow.providers.add(stored)
    await exchange.have("second")
    assert (await exchange.ask()).provider == "second"


async def test_embeddings_come_the_same_way(exchange: Exchange) -> None:
    await exchange.have("first")
    await exchange.have("second", priority=1)
    exchange.gateway.fail("first", BUSY)
    found = await exchange.models.embed(MINE, "openai:small", ["a", "bcd"])
    assert (found.embeddings.vectors, found.provider) == ([[1.0], [3.0]], "second")
    assert (found.model, found.cost_usd) == ("openai:small", None)


@pytest.mark.parametrize(
    ("prices", "cost"),
    [
        ({"gpt-4o": "0.01"}, "0.15"),
        ({"gpt-4o-2024-08-06": "0.02"}, "0.30"),
        ({"gpt-4o": "0.01", "gpt-4o-2024-08-06": "0.02"}, "0.15"),
        ({"other": "1"}, None),
    ],
)
async def test_the_price_is_that_of_the_model_asked_for_or_else_of_the_one_that_answered(
    prices: dict[str, str], cost: str | None
) -> None:
    exchange = Exchange(prices=SetPrices({name: Decimal(each) for name, each in prices.items()}))
    exchange.gateway.reports = "gpt-4o-2024-08-06"
    await exchange.have("first")
    answered = await exchange.ask()
    assert answered.cost_usd == (None if cost is None else Decimal(cost))
    assert answered.answer.usage == SPENT


async def test_without_a_count_of_tokens_the_cost_is_unknown() -> None:
    exchange = Exchange(prices=SetPrices({"gpt-4o": Decimal(1)}))
    exchange.gateway.usage = None
    await exchange.have("first")
    assert (await exchange.ask()).cost_usd is None


def echoing(exchange: Exchange) -> Models:
    prices = WorkspacePrices(exchange.storage, KeptPrices(), exchange.clock)
    return Models(exchange.storage, EchoModels(), SEALS, prices, exchange.clock)


async def test_echo_is_there_without_a_provider_and_costs_nothing(exchange: Exchange) -> None:
    answered = await echoing(exchange).chat(MINE, "echo:echo", HELLO)
    assert (answered.answer.text, answered.provider) == ("hello", "echo")
    assert answered.cost_usd == 0
    assert answered.answer.usage is not None and answered.answer.usage.input_tokens > 0


async def test_a_stored_echo_may_have_another_name(exchange: Exchange) -> None:
    await exchange.have("mirror", provider_type=ProviderType.ECHO)
    for name in ("mirror:echo", "echo:echo"):
        assert (await echoing(exchange).chat(MINE, name, HELLO)).provider == "mirror"


@pytest.mark.parametrize("status", [429, 500, 400])
async def test_a_script_that_ends_with_a_failure_fails(exchange: Exchange, status: int) -> None:
    script = f'{{"script": [{{"error": {{"status": {status}, "message": "no"}}}}]}}'
    asked = replace(HELLO, messages=[ChatMessage(role=ChatRole.USER, content=script)])
    with pytest.raises(ModelError, match="no"):
        await echoing(exchange).chat(MINE, "echo:script", asked)


async def test_a_script_fails_and_then_goes_on(exchange: Exchange) -> None:
    script = '{"script": [{"error": {"status": 429}}, {"error": {"status": 503}}, {"text": "ok"}]}'
    messages: Sequence[ChatMessage] = [ChatMessage(role=ChatRole.USER, content=script)]
    asked = replace(HELLO, messages=messages)
    assert (await echoing(exchange).chat(MINE, "echo:script", asked)).answer.text == "ok"
