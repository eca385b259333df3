"""A node at its turn: what it sees, and how it reaches the world."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Any, TypeVar

from orbiter.application.execution.calls import Account, Calls
from orbiter.application.execution.journey import Journey
from orbiter.application.execution.outcome import NodeFailed, Outcome
from orbiter.application.execution.place import Place
from orbiter.application.execution.records import Records, failure_of, in_words_of_engines
from orbiter.application.execution.scope import Scope, Sight
from orbiter.application.execution.variables import Variables
from orbiter.application.execution.world import World
from orbiter.application.ports.execution import Effect, EffectFailed
from orbiter.domain.runs import Step
from orbiter.domain.secrets import SecretValues
from orbiter.domain.workflows import Node


@dataclass(frozen=True, slots=True)
class Walked:
    """What a walk through a body gave, and `vars` as it left them."""

    output: Any
    variables: Variables


Worked = TypeVar("Worked")
Enter = Callable[[Place, Sight, Mapping[str, Any]], Awaitable[Walked]]


@dataclass(kw_only=True)
class Visit:
    """One node at its turn.

    *inputs* has the outputs of the live nodes before it, by id; *instant* says that nothing in it
    waits. *step* is its line in the trace as it began. *input* is what the trace shows that it
    worked on: its settings, unless its behaviour says more. *attempt* counts from 1, and steps from
    before the sequence *since* are of earlier ones. *enter* walks a loop's body. *account* has what
    the calls of models made in it have cost.
    """

    node: Node
    rank: int
    place: Place
    scope: Scope
    sight: Sight
    inputs: Mapping[str, Any]
    journey: Journey
    instant: bool
    enter: Enter
    step: Step | None = None
    input: Any = None
    attempt: int = 1
    since: int = 0
    logs: list[str] = field(default_factory=list)
    account: Account = field(default_factory=Account)

    def __post_init__(self) -> None:
        self.input = self.node.config

    @property
    def world(self) -> World:
        """Return what nodes reach the world by."""
        return self.journey.world

    @property
    def secrets(self) -> SecretValues:
        """Return what is hidden in all that is told or kept."""
        return self.journey.secrets

    @property
    def config(self) -> Mapping[str, Any]:
        """Return the node's settings, as they were written."""
        return self.node.config

    @property
    def key(self) -> str:
        """Return the key of the node's effect in this attempt."""
        later = (self.attempt,) if self.attempt > 1 else ()
        return self.place.key(self.node.id, *later)

    @property
    def records(self) -> Records:
        """Return what is recorded of this attempt."""
        return Records(self.journey.runner, self.key, self.secrets)

    @property
    def calls(self) -> Calls:
        """Return where this attempt calls models and tools."""
        assert self.step is not None
        return Calls(
            journey=self.journey,
            place=self.place,
            step=self.step,
            records=self.records,
            account=self.account,
            logs=self.logs,
        )

    @cached_property
    def context(self) -> Mapping[str, Any]:
        """Return what templates and expressions read here."""
        return self.scope.context(self.sight)

    @property
    def before(self) -> Any:
        """Return the output of the node before; an object by id when there are several."""
        if len(self.inputs) == 1:
            return next(iter(self.inputs.values()))
        return dict(self.inputs) or None

    def render(self, template: Any) -> Any:
        """Return a setting with its templates rendered, or raise TemplateError."""
        return self.world.templates.render(template, self.context)

    def evaluate(self, expression: str, **values: Any) -> Any:
        """Return the value of a bare expression that sees *values* too, or raise TemplateError."""
        context = {**self.context, **values} if values else self.context
        return self.world.templates.evaluate(expression, context)

    async def perform(self, effect: Effect, *, own: bool = False) -> Any:
        """Return what the effect gives, tried as often as the node's settings say.

        *own* says that it gives an object of Orbiter's own, in which it has hidden secrets itself.
        """
        try:
            done = await self.journey.runner.run(
                self.key,
                in_words_of_engines(effect, self.secrets, own=own),
                retry=self.node.retry,
                timeout_seconds=self.node.timeout_seconds,
            )
        except EffectFailed as failed:
            *earlier, last = map(failure_of, failed.failures)
            self._note(earlier)
            raise last from failed
        self._note([failure_of(each) for each in done.failures])
        return done.value

    async def bounded(self, work: Callable[[], Awaitable[Worked]]) -> Worked:
        """Return what *work* gives within the attempt's time, or fail with TIMEOUT.

        For work of several effects. Whoever is taken up again has the whole time again, unless it
        was over.
        """
        seconds = self.node.timeout_seconds
        if seconds is None:
            return await work()
        if await self.decided("timeout") is None:
            try:
                async with asyncio.timeout(seconds) as bound:
                    return await work()
            except TimeoutError:
                if not bound.expired():
                    raise
            await self.decide("timeout", seconds)
        raise NodeFailed("TIMEOUT", f"The node took more than {seconds:g} s")

    async def decide(self, name: str, value: Any) -> Any:
        """Return *value*, or what was decided under that name in an earlier execution."""
        return await self.records.decide(name, value)

    async def decided(self, name: str) -> Any:
        """Return what was decided under that name in an earlier execution, None if nothing was."""
        return await self.records.decided(name)

    async def settle(self, name: str, value: Any, *, iteration: int | None = None) -> Any:
        """Decide what keeps the nodes in a loop, or in a turn, from being visited again.

        Their steps are closed and stored before.
        """
        self.journey.journal.close(self.place.step_of(self.node.id), iteration)
        await self.journey.journal.flush()
        return await self.decide(name, value)

    async def answer(self, *, until: datetime | None = None) -> Any:
        """Return what was answered to this attempt, or raise Parked."""
        return await self.journey.runner.answer(self._question, until=until)

    async def answer_if_none(self, value: Any) -> Any:
        """Return *value*, which is the answer from now on, or the one that was given meanwhile."""
        return await self.journey.runner.decide(self._question, value)

    @property
    def _question(self) -> str:
        assert self.step is not None
        return replace(self.step, attempt=self.attempt).question

    async def wait_openly(self) -> None:
        """Return when the trace shows that the node waits, and may be answered."""
        assert self.step is not None
        journal = self.journey.journal
        step = journal.explained(
            self.step,
            input=self.input,
            attempt=self.attempt,
            logs=self.logs,
            spent=self.account.spending,
        )
        journal.wait(step)
        await journal.flush()

    async def sleep(self, seconds: float) -> None:
        """Let *seconds* pass."""
        await self.journey.sleep(self.key, seconds)

    async def may_try_again(self, failed: NodeFailed) -> bool:
        """Say whether there is an attempt left after one that *failed*, once its pause is over."""
        retry = self.node.retry
        if self.attempt >= retry.max_attempts:
            return False
        self._note([failed])
        await self.journey.sleep(f"{self.key}:pause", retry.pause_before(self.attempt))
        return True

    def _note(self, failures: Sequence[NodeFailed]) -> None:
        for failed in failures:
            self.logs.append(f"Attempt {self.attempt} failed: {failed}")
            self.attempt += 1


Behaviour = Callable[[Visit], Awaitable[Outcome]]
