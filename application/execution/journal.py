"""The trace of a run as it is written: one step per node and iteration, and per call in one."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from time import perf_counter
from typing import Any, Final

from orbiter.application.execution.limits import Limits
from orbiter.application.execution.outcome import INTERNAL_ERROR, LimitCrossed
from orbiter.application.execution.place import Place
from orbiter.application.execution.processor import Processor
from orbiter.application.execution.sizes import preview_of, size_of
from orbiter.application.ports.execution import Past, TraceSink
from orbiter.application.ports.system import Clock
from orbiter.domain.runs import Spending, Step, StepError, StepKind, StepStatus
from orbiter.domain.secrets import NO_SECRETS, SecretValues
from orbiter.domain.workflows import Node

CANCELLED: Final = StepError(code="CANCELLED", message="Cancelled before it ended")
_GONE_ON: Final = "Stopped: what it leads to has gone on"


def interruption_of(error: BaseException) -> StepError:
    """Return why a step did not come to an end of its own."""
    if isinstance(error, LimitCrossed):
        return StepError(code=error.code, message=error.message)
    if isinstance(error, asyncio.CancelledError):
        return CANCELLED
    return StepError(code=INTERNAL_ERROR[0], message=INTERNAL_ERROR[1])


class Journal:
    """Steps of one run, written to *trace* as they begin and end.

    What is *past* is known already: an ended step that is computed again is neither written nor
    charged again, and new ones continue the sequence. None is written with one of *secrets* in it.
    """

    def __init__(
        self,
        trace: TraceSink,
        clock: Clock,
        limits: Limits,
        processor: Processor,
        past: Past,
        secrets: SecretValues = NO_SECRETS,
    ) -> None:
        self.spending = Spending()
        self._secrets = secrets
        self._past = past.steps
        for step in past.steps.values():
            self._charge(step)
        self._open = {step.id: step for step in past.steps.values() if not step.ended}
        self._trace = trace
        self._clock = clock
        self._limits = limits
        self._steps = 1 + max((step.sequence for step in past.steps.values()), default=-1)
        self._bytes = 0
        self._processor = processor
        self._rested_at = perf_counter()

    async def give_way(self) -> None:
        """Let others have the processor if this run has had it for a while."""
        computed = perf_counter() - self._rested_at
        if computed > self._processor.slice_seconds:
            await self._processor.give_way(computed)
            self.rest()

    def rest(self) -> None:
        """Note that the run has just waited."""
        self._rested_at = perf_counter()

    def begin(self, node: Node, place: Place, *, announce: bool) -> Step:
        """Return a node's step, written at once if *announce*; raise LimitCrossed."""
        known = self._known(node, place)
        if known is not None and known.status is StepStatus.SKIPPED and not known.given_up:
            # With other inputs than the run had from which it was carried over, it may run.
            known = None
        step = known or self._step(node, place, StepStatus.RUNNING, self._clock.now())
        return self._begun(step, announce=announce)

    def begin_call(
        self,
        within: Step,
        step_id: str,
        kind: StepKind,
        name: str,
        *,
        input: Any,
        model: str | None,
    ) -> Step:
        """Return the step of a call made in the step *within*; raise LimitCrossed."""
        known = self._past.get(step_id)
        if known is not None and known.reused and known.sequence < within.sequence:
            # It was carried over, and what it lies in begins only now.
            known = replace(known, sequence=self._next())
            self._trace.write(known)
        step = known or Step(
            id=step_id,
            run_id=within.run_id,
            sequence=self._next(),
            parent_step_id=within.id,
            node_id=within.node_id,
            kind=kind,
            name=self._secrets.redacted(name),
            iteration=within.iteration,
            input=self._shown(input),
            model=self._secrets.redacted(model),
            started_at=self._clock.now(),
        )
        return self._begun(step, announce=True)

    def _begun(self, step: Step, *, announce: bool) -> Step:
        if step.error == CANCELLED:
            # The process that began it was stopped; it goes on in this one.
            step = replace(step, status=StepStatus.RUNNING, error=None, finished_at=None)
        if not step.ended:
            self._open[step.id] = step
            if announce and self._past.get(step.id) != step:
                self._trace.write(step)
        return step

    def skip(self, node: Node, place: Place) -> None:
        """Write that a node does not run."""
        if self._known(node, place) is None:
            self._trace.write(self._step(node, place, StepStatus.SKIPPED, None))

    def wait(self, step: Step) -> None:
        """Write that a node waits for what may take long."""
        waiting, known = step.wait(), (self._open.get(step.id), self._past.get(step.id))
        self._open[step.id] = waiting
        if waiting not in known:
            self._trace.write(waiting)

    def explained(
        self, step: Step, *, input: Any, attempt: int, logs: Sequence[str], spent: Spending
    ) -> Step:
        """Return the step with what its node worked on, how many attempts it took, what it cost."""
        shown = self._shown(input)
        if step.ended and not (step.reused and step.input != shown):
            return step
        return replace(
            step,
            input=shown,
            attempt=attempt,
            logs=tuple(self._secrets.redacted(logs)),
            usage=spent.usage,
            cost_usd=spent.cost_usd,
        )

    def complete(self, step: Step, output: Any) -> None:
        """Write that a node, or a call, ended well."""
        output = self._secrets.redacted(output)
        if step.reused and step.output != output:
            # With other inputs, what is computed is not what was carried over.
            step = replace(step, reused=False, status=StepStatus.RUNNING)
        if not step.ended:
            self._end(step.complete(output, at=self._clock.now()))

    def fail(self, step: Step, error: StepError, output: Any = None) -> None:
        """Write that a node failed, with an *error* that may be told.

        *output* is what the graph goes on with.
        """
        if not step.ended:
            output = self._secrets.redacted(output)
            self._end(step.fail(error, at=self._clock.now(), output=output))

    def give_up(self, step: Step) -> None:
        """Write that a node was stopped because what it leads to has gone on without it."""
        if not step.ended:
            self._end(step.give_up(_GONE_ON, at=self._clock.now()))

    def give_up_waiting(self, step_id: str) -> None:
        """Write that a node which waits, and whatever waits in it, is waited for no more."""
        for step in list(self._open.values()):
            if step.parent_step_id == step_id:
                self.give_up_waiting(step.id)
        self.give_up(self._open[step_id])

    def close(self, loop_id: str | None = None, iteration: int | None = None) -> None:
        """Write that what is open was cut off: everything, or what lies in a loop, or in a turn.

        *loop_id* is the id of the loop's step.
        """
        for step in list(self._open.values()):
            if loop_id is None or self._lies_in(step, loop_id, iteration):
                self.fail(step, CANCELLED)

    @property
    def sequence(self) -> int:
        """Return what the next step is numbered."""
        return self._steps

    def continue_from(self, sequence: int) -> None:
        """Number the next step *sequence* at least."""
        self._steps = max(self._steps, sequence)

    async def flush(self) -> None:
        """Return when everything written is stored."""
        await self._trace.flush()

    def weigh(self, output: Any) -> None:
        """Count what a node gives; raise NodeFailed or LimitCrossed when it is too much."""
        self._bytes += size_of(output, self._limits.value_bytes)
        if self._bytes > self._limits.run_bytes:
            message = f"The steps' values take more than {self._limits.run_bytes} bytes"
            raise LimitCrossed("SIZE_LIMIT", message)

    def _lies_in(self, step: Step, loop_id: str, iteration: int | None) -> bool:
        if step.parent_step_id == loop_id:
            return iteration is None or step.iteration == iteration
        loop = self._open.get(step.parent_step_id or "")
        return loop is not None and self._lies_in(loop, loop_id, iteration)

    def _known(self, node: Node, place: Place) -> Step | None:
        known = self._past.get(place.step_of(node.id)) if self._past else None
        return known if known is not None and known.sequence >= place.since else None

    def _step(
        self, node: Node, place: Place, status: StepStatus, started_at: datetime | None
    ) -> Step:
        return Step(
            id=place.step_of(node.id),
            run_id=place.run_id,
            sequence=self._next(),
            parent_step_id=place.step_id,
            node_id=node.id,
            name=node.label or node.id,
            iteration=place.iteration,
            status=status,
            started_at=started_at,
        )

    def _next(self) -> int:
        if self._steps >= self._limits.steps:
            raise LimitCrossed("STEP_LIMIT", f"The run took more than {self._limits.steps} steps")
        self._steps += 1
        return self._steps - 1

    def _shown(self, input: Any) -> Any:
        shown, size = preview_of(input)
        self._bytes += size
        return self._secrets.redacted(shown)

    def _end(self, step: Step) -> None:
        self._open.pop(step.id, None)
        self._charge(step)
        self._trace.write(step)

    def _charge(self, step: Step) -> None:
        if step.charged:
            self.spending = self.spending.plus(step.usage, step.cost_usd)
