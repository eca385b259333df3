"""One execution of a run: from where it stands to its end, or till it has to wait."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Final

from orbiter.adapters.durable.books import Books
from orbiter.adapters.durable.ledger import FIRST_PAUSE, LONGEST_PAUSE
from orbiter.adapters.durable.runner import DurableStepRunner
from orbiter.adapters.durable.stored import closed
from orbiter.adapters.durable.trace import Trace
from orbiter.application.execution.executor import Executor
from orbiter.application.ports.execution import Past, Segment
from orbiter.application.ports.executions import Claimed, Recorded
from orbiter.application.ports.storage import Storage, UnitOfWork
from orbiter.application.ports.system import Clock
from orbiter.application.run_graphs import graph_of_run
from orbiter.application.run_steps import steps_of_run
from orbiter.domain.errors import NotFound, Unavailable
from orbiter.domain.runs import Run, RunError, RunKind, Step, StepError
from orbiter.domain.workflows import WorkflowVersion

TAKEUPS_MAX: Final = 5
CRASHED: Final = RunError(
    code="CRASHED_REPEATEDLY",
    message=f"The process that executed the run ended {TAKEUPS_MAX} times in a row",
)
GONE: Final = {
    RunKind.WORKFLOW: RunError(
        code="WORKFLOW_DELETED", message="The workflow, or its version, is not there any more"
    ),
    RunKind.AGENT: RunError(
        code="AGENT_DELETED", message="The agent, or its version, is not there any more"
    ),
}
BROKEN: Final = RunError(code="INTERNAL_ERROR", message="Something went wrong inside of Orbiter")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A run with what its execution goes on from."""

    run: Run
    graph: WorkflowVersion | None
    steps: Mapping[str, Step] = field(default_factory=dict)
    records: Mapping[str, Recorded] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Segments:
    """Executes runs that this process has claimed, and stores how it leaves them."""

    storage: Storage
    executor: Executor
    books: Books
    trace: Trace
    clock: Clock

    async def execute(self, claimed: Claimed, accepted: Loaded | None) -> bool:
        """Execute a run that was just *accepted*, or from where storage says that it stands.

        Say whether something may be due now that was not before: the run itself, or its parent.
        Of a cancellation nothing is stored.
        """
        loaded = accepted or await self._loaded(claimed)
        if loaded is None:
            await self.books.discard(claimed.run_id)
            return False
        begun = monotonic()
        segment = await self._segment(claimed, loaded)
        steps = await self.trace.take(segment.run.id)
        seconds = claimed.seconds + monotonic() - begun
        await self.books.keep(segment, steps, seconds=seconds)
        return not segment.run.ended or segment.run.parent_run_id is not None

    async def _segment(self, claimed: Claimed, loaded: Loaded) -> Segment:
        if claimed.takeups > TAKEUPS_MAX:
            return self._failed(loaded, CRASHED)
        if loaded.graph is None:
            return self._failed(loaded, GONE[loaded.run.kind])
        try:
            return await self._executed(claimed, loaded, loaded.graph)
        except Exception as error:
            log.error("Run %s came upon a bug", claimed.run_id, exc_info=error)
            return self._failed(loaded, BROKEN)

    async def _executed(self, claimed: Claimed, loaded: Loaded, graph: WorkflowVersion) -> Segment:
        run = loaded.run.start(at=self.clock.now())
        runner = DurableStepRunner(
            run_id=run.id,
            ledger=self.books.ledger,
            lease=self.books.lease,
            clock=self.clock,
            records=dict(loaded.records),
        )
        past = Past(steps=loaded.steps, seconds=claimed.seconds)
        return await self.executor.execute(run, graph, runner, self.trace.of(run), past)

    def _failed(self, loaded: Loaded, error: RunError) -> Segment:
        now = self.clock.now()
        run = loaded.run.start(at=now)
        trace = self.trace.of(run)
        reason = StepError(code=error.code, message=error.message)
        for step in closed(loaded.steps.values(), reason, at=now):
            trace.write(step)
        return Segment(run=run.fail(error, at=now))

    async def _loaded(self, claimed: Claimed) -> Loaded | None:
        pause = FIRST_PAUSE
        while True:
            try:
                async with self.storage.open(claimed.workspace_id, reading=True) as uow:
                    return await _found(uow, claimed)
            except Unavailable as error:
                log.warning("Run %s waits for storage: %s", claimed.run_id, error.message)
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)


async def _found(uow: UnitOfWork, claimed: Claimed) -> Loaded | None:
    try:
        run = await uow.runs.get(claimed.run_id)
    except NotFound:
        return None
    if run.ended:
        return None
    try:
        graph = await graph_of_run(uow, run)
    except NotFound:
        graph = None
    return Loaded(
        run=run,
        graph=graph,
        steps={step.id: step for step in await steps_of_run(uow, run.id)},
        records=await uow.executions.recorded(run.id),
    )
