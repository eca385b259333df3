"""One walk through one body: the whole graph, or what lies in a loop in one of its turns."""

import asyncio
from collections import defaultdict, deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from orbiter.application.execution.journey import Journey
from orbiter.application.execution.outcome import Outcome
from orbiter.application.execution.place import Place
from orbiter.application.execution.plan import Body
from orbiter.application.execution.scope import Scope, Sight
from orbiter.application.execution.variables import Variables
from orbiter.application.execution.visit import Visit, Walked
from orbiter.application.execution.visiting import visited
from orbiter.application.ports.execution import Parked
from orbiter.domain.workflows import Edge, Node
from orbiter.domain.workflows.node_kinds import ERROR, OUTPUT


@dataclass(frozen=True, slots=True)
class Passed:
    """A node that ended and did not stop the walk."""

    outcome: Outcome
    sight: Sight


class Walk:
    """A body's nodes, each run once when every live branch into it has ended.

    A branch is live if its source ran and left by its handle. A node that no live branch leads to
    is skipped. A `merge` of `any` runs at the first live branch; the others go on unheard, and are
    given up once nothing else is under way.
    """

    def __init__(self, journey: Journey, body: Body, place: Place, scope: Scope) -> None:
        self._journey = journey
        self._body = body
        self._place = place
        self._scope = scope
        self._passed: dict[str, Passed] = {}
        self._arrived: dict[str, int] = defaultdict(int)
        self._live: dict[str, list[str]] = defaultdict(list)
        self._begun: set[str] = set()
        self._last: list[str] = []
        self._ready: deque[Node] = deque()
        self._tasks: dict[asyncio.Task[Passed | None], Node] = {}
        self._given_up: frozenset[str] = frozenset()
        self._parked: dict[str, tuple[Node, Parked]] = {}
        self._first: dict[str, str] = {}

    async def to_the_end(self) -> Walked:
        """Run the body; raise NodeFailed for a failure that no node's settings catch.

        Raise Parked once nothing else is under way but what waits for long.
        """
        self._ready.extend(self._body.entries)
        try:
            while self._ready or self._tasks or self._parked:
                await self._run_ready()
                if await self._gave_up():
                    continue
                if self._tasks:
                    await self._some_end()
                elif self._parked:
                    raise Parked.together(parked for _, parked in self._parked.values())
        finally:
            await self._stop_the_rest()
        return self._result()

    async def _run_ready(self) -> None:
        while self._ready:
            node = self._ready.popleft()
            if node.id in self._body.eager and not await self._may_go_on(node):
                continue
            unwanted = node.id in self._body.arrivals and not self._live[node.id]
            if unwanted or node.id in self._given_up:
                self._journey.journal.skip(node, self._place)
                self._leave(node, None)
            elif node.id in self._body.instant:
                await self._journey.journal.give_way()
                self._pass(node, await self._visit(node))
            else:
                self._tasks[asyncio.ensure_future(self._visit(node))] = node

    async def _some_end(self) -> None:
        await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
        self._journey.journal.rest()
        for task in [task for task in self._tasks if task.done()]:
            node = self._tasks.pop(task)
            try:
                self._pass(node, task.result())
            except Parked as parked:
                self._parked[node.id] = node, parked

    async def _gave_up(self) -> bool:
        """Stop what is under way if no result of it is wanted; say whether that was so."""
        under_way = [*self._tasks.values(), *(node for node, _ in self._parked.values())]
        unheard = self._unheard() if under_way else frozenset()
        if not under_way or not all(node.id in unheard for node in under_way):
            return False
        self._given_up = unheard
        await self._stop_the_rest()
        for task, node in self._tasks.items():
            if task.cancelled():
                # It had not even begun, so it is still to be skipped.
                self._ready.append(node)
            else:
                self._pass(node, None)
        self._tasks.clear()
        for node, _ in self._parked.values():
            self._journey.journal.give_up_waiting(self._place.step_of(node.id))
            self._pass(node, None)
        self._parked.clear()
        return True

    def _unheard(self) -> frozenset[str]:
        """Return the nodes that lead to nothing but merges which have gone on already."""
        # One that has begun without a live input was skipped.
        gone_on = {each for each in self._body.eager & self._begun if self._live[each]}
        unheard: set[str] = set()
        for node in reversed(self._body.nodes) if gone_on else ():
            onward = self._body.onward.get(node.id)
            if onward and all(edge.target in gone_on or edge.target in unheard for edge in onward):
                unheard.add(node.id)
        return frozenset(unheard)

    async def _may_go_on(self, node: Node) -> bool:
        """Say whether a `merge` of `any` has the live input that it once went on with."""
        live = self._live[node.id]
        if not live or not self._body.waits:
            return True
        if node.id not in self._first:
            key = self._place.key(node.id)
            self._first[node.id] = await self._journey.runner.decide(key, live[0])
        if self._first[node.id] in live:
            return True
        self._begun.discard(node.id)
        return False

    async def _stop_the_rest(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _pass(self, node: Node, passed: Passed | None) -> None:
        if passed is None:
            self._leave(node, None)
        else:
            self._passed[node.id] = passed
            self._leave(node, passed.outcome.handle)

    def _leave(self, node: Node, handle: str | None) -> None:
        followed = False
        for edge in self._body.onward.get(node.id, ()):
            live = edge.leaves_by == handle
            followed = followed or live
            self._arrive(edge, live=live)
        # Who was left by a way of its own choice told where to go, and has no result to give.
        if not followed and handle in (OUTPUT, ERROR):
            self._last.append(node.id)

    def _arrive(self, edge: Edge, *, live: bool) -> None:
        target = edge.target
        self._arrived[target] += 1
        if live:
            self._live[target].append(edge.source)
        if target not in self._begun and (
            self._arrived[target] == self._body.arrivals[target]
            or (live and self._first.get(target, edge.source) == edge.source)
            and target in self._body.eager
        ):
            self._begun.add(target)
            self._ready.append(self._body.nodes[self._body.ranks[target]])

    async def _visit(self, node: Node) -> Passed | None:
        visit = self._visit_of(node)
        outcome = await visited(visit, unwanted=lambda: node.id in self._given_up)
        if outcome is None:
            return None
        return Passed(outcome, visit.sight.after(node.id, outcome.output, outcome.variables))

    def _visit_of(self, node: Node) -> Visit:
        live = self._live[node.id]
        if node.id in self._body.eager:
            live = [self._first[node.id]] if node.id in self._first else live[:1]
        inputs = {
            each: self._passed[each] for each in sorted(live, key=self._body.ranks.__getitem__)
        }
        sights = [each.sight for each in inputs.values()]
        return Visit(
            node=node,
            rank=self._body.ranks[node.id],
            place=self._place,
            scope=self._scope,
            sight=Sight.joined(sights) if sights else self._scope.sight,
            inputs={each: passed.outcome.output for each, passed in inputs.items()},
            journey=self._journey,
            instant=node.id in self._body.instant,
            enter=partial(self._enter, node.id),
        )

    async def _enter(
        self, loop_id: str, place: Place, sight: Sight, values: Mapping[str, Any]
    ) -> Walked:
        body = self._journey.plan.bodies[loop_id]
        scope = self._scope.inside(sight, body.ranks, values)
        return await Walk(self._journey, body, place, scope).to_the_end()

    def _result(self) -> Walked:
        finals = self._finals()
        ordered = [each for each in self._body.ranks if each in finals]
        outputs = {each: self._passed[each].outcome.output for each in ordered}
        output = next(iter(outputs.values())) if len(outputs) == 1 else outputs or None
        # What went on unheard may or may not have come to its end.
        heard = self._passed.keys() - self._unheard()
        variables = Variables.joined(self._passed[each].sight.variables for each in heard)
        return Walked(output, variables)

    def _finals(self) -> Collection[str]:
        return self._body.ends & self._passed.keys() if self._body.ends else set(self._last)
