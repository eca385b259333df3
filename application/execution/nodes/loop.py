"""`loop`: walks its body for each item of a list, or while something holds."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from orbiter.application.execution.outcome import NodeFailed, Outcome
from orbiter.application.execution.scope import Sight
from orbiter.application.execution.variables import Variables
from orbiter.application.execution.visit import Visit, Walked
from orbiter.application.ports.execution import Parked

ITERATIONS: Final = 100
# How an attempt ended: nothing but that it was in time, or its failure.
_END: Final = "end"

# What one turn gave; None if it failed and `on_item_error` forgives that.
Turn = Walked | None


async def behave(visit: Visit) -> Outcome:
    """Give the list of what the turns gave, in their order."""
    bound = visit.node.timeout_seconds
    if bound is None and visit.instant:
        return await _taken(visit)
    end = await visit.decided(_END)
    if end:
        raise _failed(visit, end)
    try:
        # An attempt that was in time once is so for ever.
        if bound is None or end is not None:
            outcome = await _taken(visit)
        else:
            outcome = await _in_time(visit, bound)
    except NodeFailed as failed:
        raise _failed(visit, await visit.settle(_END, _told(visit, failed))) from None
    if bound is not None:
        await visit.decide(_END, {})
    return outcome


async def _in_time(visit: Visit, bound: float) -> Outcome:
    now = visit.world.clock.now()
    begun = datetime.fromisoformat(await visit.decide("begun", now.isoformat()))
    deadline = begun + timedelta(seconds=bound)
    try:
        async with asyncio.timeout((deadline - now).total_seconds()):
            return await _taken(visit)
    except TimeoutError:
        raise NodeFailed("TIMEOUT", f"The loop took more than {bound:g} s") from None
    except Parked as parked:
        raise Parked.together([parked, Parked(deadline)]) from None


def _told(visit: Visit, failed: NodeFailed) -> Mapping[str, Any]:
    sequence = visit.journey.journal.sequence
    return {
        "code": failed.code,
        "message": failed.message,
        "node_id": failed.node_id,
        "sequence": sequence,
    }


def _failed(visit: Visit, end: Mapping[str, Any]) -> NodeFailed:
    """Return how an attempt failed, after which the trace goes on anew."""
    visit.since = end["sequence"]
    visit.journey.journal.continue_from(visit.since)
    return NodeFailed(end["code"], end["message"], end["node_id"])


async def _taken(visit: Visit) -> Outcome:
    if visit.config.get("items") is None:
        return await _while(visit)
    items = _items(visit)
    concurrency = visit.config.get("concurrency") or 1
    if concurrency > 1:
        return await _together(visit, items, concurrency)
    return await _in_turn(visit, items)


def _items(visit: Visit) -> Sequence[Any]:
    items = visit.evaluate(visit.config["items"])
    visit.input = {"items": items}
    if not isinstance(items, list | tuple):
        raise NodeFailed("NOT_A_LIST", f"`items` is of type {type(items).__name__}, not a list")
    if len(items) > _maximum(visit):
        message = f"{len(items)} items are more than `max_iterations`, {_maximum(visit)}"
        raise NodeFailed("MAX_ITERATIONS", message)
    return items


async def _in_turn(visit: Visit, items: Sequence[Any]) -> Outcome:
    """Take one turn after another; each sees the variables the one before has set."""
    turns: list[Turn] = []
    variables = visit.sight.variables.inside()
    for index, item in enumerate(items):
        turn = await _turn(visit, index, variables, item=item)
        turns.append(turn)
        if turn is not None:
            variables = variables.after(turn.variables, index)
    return _outcome(visit, turns, variables)


async def _together(visit: Visit, items: Sequence[Any], concurrency: int) -> Outcome:
    """Take several turns at once; each sees the variables from before the loop."""
    variables = visit.sight.variables.inside()

    async def take(index: int) -> Turn:
        return await _turn(visit, index, variables, item=items[index])

    # What only computes gains nothing by taking turns at once, but would lose its order.
    at_once = 1 if visit.instant else concurrency
    turns = await _at_once(take, len(items), at_once)
    after = variables
    for index, turn in enumerate(turns):
        if turn is not None:
            after = after.after(turn.variables, index)
    return _outcome(visit, turns, after)


async def _at_once(
    take: Callable[[int], Awaitable[Turn]], count: int, concurrency: int
) -> Sequence[Turn]:
    if concurrency == 1:
        return [await take(index) for index in range(count)]
    turns: list[Turn] = [None] * count
    indexes = iter(range(count))

    parked: list[Parked] = []

    async def work() -> None:
        try:
            for index in indexes:
                turns[index] = await take(index)
        except Parked as waiting:
            # A turn that waits is still one of those under way.
            parked.append(waiting)

    workers = [asyncio.ensure_future(work()) for _ in range(min(concurrency, count))]
    try:
        await asyncio.gather(*workers)
    finally:
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
    if parked:
        raise Parked.together(parked)
    return turns


async def _while(visit: Visit) -> Outcome:
    """Take turns as long as `while` is true; it sees `index` and `last`, the turn before's."""
    turns: list[Turn] = []
    last: Any = None
    variables = visit.sight.variables.inside()
    for index in range(_maximum(visit)):
        if not visit.evaluate(visit.config["while"], index=index, last=last, vars=variables.values):
            break
        turn = await _turn(visit, index, variables, last=last)
        turns.append(turn)
        if turn is not None:
            last, variables = turn.output, variables.after(turn.variables, index)
    return _outcome(visit, turns, variables)


async def _turn(visit: Visit, index: int, variables: Variables, **values: Any) -> Turn:
    place = visit.place.inside(visit.node.id, index, visit.attempt, visit.since)
    sight = Sight(visit.sight.outputs, variables)
    forgives = visit.config.get("on_item_error", "fail") != "fail"
    failure = f"turn {index}"
    if forgives and not visit.instant and await visit.decided(failure):
        return None
    try:
        return await visit.enter(place, sight, {"index": index, **values})
    except NodeFailed as failed:
        if not forgives:
            raise
        if not visit.instant:
            await visit.settle(failure, _told(visit, failed), iteration=index)
        return None


def _outcome(visit: Visit, turns: Iterable[Turn], variables: Variables) -> Outcome:
    left_out = visit.config.get("on_item_error") == "skip"
    kept = [turn for turn in turns if turn is not None or not left_out]
    outputs = [None if turn is None else turn.output for turn in kept]
    return Outcome(outputs, variables=visit.sight.variables.after(variables, visit.rank))


def _maximum(visit: Visit) -> int:
    return int(visit.config.get("max_iterations") or ITERATIONS)
