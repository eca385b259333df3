"""Waiting."""

from datetime import timedelta
from typing import Any

import pytest

from orbiter.domain.workflows import WorkflowVersion
from support.clock import START as NOW
from support.graphs import Laboratory, graph, node

START, END = node("start", "start"), node("end", "end")


@pytest.fixture
def lab() -> Laboratory:
    return Laboratory()


def a_wait(timeout: float | None = None, **config: Any) -> WorkflowVersion:
    wait = node("wait", "delay", timeout=timeout, **config)
    return graph(START, wait, END, edges="start > wait, wait > end")


@pytest.mark.parametrize("seconds", [90, "{{ inputs.n * 2 }}", "90", 0, 0.25])
async def test_it_takes_as_many_seconds_as_it_says_and_passes_on_what_came_before(
    lab: Laboratory, seconds: Any
) -> None:
    traced = await lab.run(a_wait(seconds=seconds), n=45)
    assert traced.output == {"n": 45}
    assert traced.seconds == (90 if isinstance(seconds, str) else seconds)


@pytest.mark.parametrize("zone", ["Z", "+00:00", "+02:00"])
async def test_it_waits_until_a_time(lab: Laboratory, zone: str) -> None:
    until = NOW + timedelta(hours=3)
    text = f"{until + timedelta(hours=2 if zone == '+02:00' else 0):%Y-%m-%dT%H:%M:%S}{zone}"
    traced = await lab.run(a_wait(until="{{ inputs.at }}"), at=text)
    assert traced.seconds == 3 * 3600
    assert traced.one("wait").input == {"until": text}


async def test_a_time_that_is_past_is_no_wait(lab: Laboratory) -> None:
    assert (await lab.run(a_wait(until="2001-01-01T00:00:00Z"))).seconds == 0


@pytest.mark.parametrize(
    "config",
    [
        {"seconds": "soon"},
        {"seconds": "{{ inputs }}"},
        {"seconds": "-1"},
        {"seconds": "nan"},
        {"seconds": "1e12"},
        {"until": "tomorrow"},
        {"until": "2026-12-01T10:00:00"},
        {"until": "9999-01-01T00:00:00Z"},
        {"until": "{{ 5 }}"},
    ],
)
async def test_what_is_no_time_fails_the_node(lab: Laboratory, config: dict[str, Any]) -> None:
    assert (await lab.run(a_wait(**config))).failure == ("INVALID_DELAY", "wait")


async def test_a_delay_longer_than_its_bound_fails_when_that_is_over(lab: Laboratory) -> None:
    traced = await lab.run(a_wait(seconds=60, timeout=10))
    assert traced.failure == ("TIMEOUT", "wait")
    assert traced.seconds == 10
