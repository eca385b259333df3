"""Work that goes on after the answer."""

import asyncio

import pytest

from orbiter.application.errands import Errands


async def test_an_errand_is_begun_without_waiting_and_waited_for_at_the_end() -> None:
    errands, answered, done = Errands(), asyncio.Event(), []

    async def run() -> None:
        await answered.wait()
        done.append("done")

    errands.begin("Running", run())
    answered.set()
    assert done == []
    await errands.finish()
    assert done == ["done"]


async def test_an_errand_begun_by_an_errand_is_waited_for_too() -> None:
    errands, done = Errands(), []

    async def second() -> None:
        done.append("second")

    async def first() -> None:
        errands.begin("Going on", second())

    errands.begin("Running", first())
    await errands.finish()
    assert done == ["second"]


async def test_a_failure_is_logged_by_its_kind_and_ends_nothing_else(
    caplog: pytest.LogCaptureFixture,
) -> None:
    errands, done = Errands(), []

    async def fail() -> None:
        raise ValueError("secret")

    async def succeed() -> None:
        done.append("done")

    errands.begin("Failing", fail())
    errands.begin("Succeeding", succeed())
    await errands.finish()
    assert caplog.messages == ["Failing failed: ValueError"]
    assert done == ["done"]


async def test_with_nothing_under_way_the_end_has_come() -> None:
    await Errands().finish()
