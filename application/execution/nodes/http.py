"""`http`: a request to a service, and its answer."""

from typing import Any

from orbiter.application.execution.http_request import (
    TIMEOUT_SECONDS,
    answered,
    request_of,
    shown,
)
from orbiter.application.execution.outcome import Outcome
from orbiter.application.execution.visit import Visit


async def behave(visit: Visit) -> Outcome:
    """Send the request; fail with HTTP_STATUS on a status from 400 that is not accepted."""
    visit.input = shown(visit.config)
    config = {name: visit.render(value) for name, value in visit.config.items()}
    visit.input = shown(config)
    seconds = _seconds(visit.node.timeout_seconds)
    request = request_of(config, key=visit.key, timeout_seconds=seconds)

    async def send() -> Any:
        return await answered(visit.world.http, request, config)

    return Outcome(await visit.perform(send))


def _seconds(of_an_attempt: float | None) -> float:
    # An attempt's own bound is watched over by the runner, which is to be the first to tell.
    return TIMEOUT_SECONDS if of_an_attempt is None else of_an_attempt + 1
