"""The trace of a run as it is written: one step per node and iteration, counted."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from time import perf_counter
from typing import Any

from orbiter.application.execution.limits import Limits
from orbiter.application.execution.outcome import LimitCrossed
from orbiter.application.execution.place import Place
from orbiter.application.execution.processor import Processor
from orbiter.application.execution.sizes import preview_of, size_of
from orbiter.application.ports.execution import TraceSink
from orbiter.application.ports.system import Clock
from orbiter.domain.runs import Step, StepError, StepStatus, Usage
from orbiter.domain.workflows import Node


class Journal:
    """Steps of one run, written to *trace* as they begin and end."""

    def __init__(
        self, trace: TraceSink, clock: Clock, limits: Limits, processor: Processor
    ) -> None:
        self.usage = Usage()
        self.cost_usd = Decimal(0)
        self._trace = trace
        self._clock = clock
        self._limits = limits
        self._steps = 0
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
        step = self._step(node, place, StepStatus.RUNNING, self._clock.now())
        if announce:
            self._trace.write(step)
        return step

    def skip(self, node: Node, place: Place) -> None:
        """Write that a node does not run."""
        self._trace.write(self._step(node, place, StepStatus.SKIPPED, None))

    def explained(self, step: Step, *, input: Any, attempt: int, logs: Sequence[str]) -> Step:
        """Return the step with what its node worked on and how many attempts it took."""
        shown, size = preview_of(input)
        self._bytes += size
        return replace(step, input=shown, attempt=attempt, logs=tuple(logs))

    def complete(self, step: Step, output: Any) -> None:
        """Write that a node ended well."""
        self._end(step.complete(output, at=self._clock.now()))

    def fail(self, step: Step, error: StepError, output: Any = None) -> None:
        """Write that a node failed; *output* is what the graph goes on with."""
        self._end(step.fail(error, at=self._clock.now(), output=output))

    def give_up(self, step: Step) -> None:
        """Write that a node was stopped because what it leads to has gone on without it."""
        self._end(step.give_up("Stopped: what it leads to has gone on", at=self._clock.now()))

    def weigh(self, output: Any) -> None:
        """Count what a node gives; raise NodeFailed or LimitCrossed when it is too much."""
        self._bytes += size_of(output, self._limits.value_bytes)
        if self._bytes > self._limits.run_bytes:
            message = f"The steps' values take more than {self._limits.run_bytes} bytes"
            raise LimitCrossed("SIZE_LIMIT", message)

    def _step(
        self, node: Node, place: Place, status: StepStatus, started_at: datetime | None
    ) -> Step:
        if self._steps >= self._limits.steps:
            raise LimitCrossed("STEP_LIMIT", f"The run took more than {self._limits.steps} steps")
        self._steps += 1
        return Step(
            id=place.step_of(node.id),
            run_id=place.run_id,
            sequence=self._steps - 1,
            parent_step_id=place.step_id,
            node_id=node.id,
            name=node.label or node.id,
            iteration=place.iteration,
            status=status,
            started_at=started_at,
        )

    def _end(self, step: Step) -> None:
        self.usage = Usage(
            input_tokens=self.usage.input_tokens + step.usage.input_tokens,
            output_tokens=self.usage.output_tokens + step.usage.output_tokens,
        )
        self.cost_usd += step.cost_usd
        self._trace.write(step)
