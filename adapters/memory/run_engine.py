"""Runs executed in the server's own loop, to their end or the process's."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from orbiter.adapters.memory.trace_sink import MemoryTrace
from orbiter.application.execution.executor import Executor
from orbiter.application.paging import LIMIT_MAX, PageRequest
from orbiter.application.ports.execution import RunEvents, StepRunner
from orbiter.application.ports.storage import Storage, UnitOfWork
from orbiter.application.ports.system import Clock
from orbiter.application.run_events import Chronicle
from orbiter.domain.errors import Unavailable
from orbiter.domain.runs import Run, RunError, RunStatus, Step, StepError, StepStatus
from orbiter.domain.workflows import WorkflowVersion

INTERRUPTED: Final = RunError(
    code="INTERRUPTED", message="The process that executed the run has ended"
)
UNSTORABLE: Final = RunError(code="INTERNAL_ERROR", message="The run can't be stored as it is")
FIRST_PAUSE: Final = 0.1
LONGEST_PAUSE: Final = 5.0
_UNENDED: Final = frozenset({StepStatus.RUNNING, StepStatus.WAITING})
_CUT_OFF: Final = StepError(code=INTERRUPTED.code, message=INTERRUPTED.message)

log = logging.getLogger(__name__)


class MemoryRunEngine:
    """Executes runs where they are accepted, *concurrency* at once; the others stay queued.

    It is for one process per storage: what is unended when it starts was left by an earlier one,
    and is failed as INTERRUPTED. One that is not *alone* leaves such runs as they are.
    """

    def __init__(
        self,
        *,
        storage: Storage,
        executor: Executor,
        runner: StepRunner,
        events: RunEvents,
        chronicle: Chronicle,
        clock: Clock,
        concurrency: int = 32,
        alone: bool = True,
    ) -> None:
        self._storage = storage
        self._executor = executor
        self._runner = runner
        self._events = events
        self._chronicle = chronicle
        self._clock = clock
        self._alone = alone
        self._trace = MemoryTrace(storage, clock, chronicle)
        self._slots = asyncio.Semaphore(concurrency)
        self._tasks: set[asyncio.Task[None]] = set()
        self._executing: dict[str, asyncio.Task[None]] = {}
        self._stopping = False

    async def accept(self, uow: UnitOfWork, run: Run) -> None:
        """Store the queued run in the caller's transaction; it is executed once that commits."""
        if self._stopping:
            raise Unavailable("The server is stopping")
        graph = await uow.workflows.version(run.workflow_id or "", run.version)
        await uow.runs.add(run)
        uow.after_commit(lambda: self._begin(run, graph))

    async def cancel(self, uow: UnitOfWork, run: Run) -> None:
        """Stop executing a run that the caller's transaction marks as cancelled, at its commit."""
        uow.after_commit(lambda: self._cancel(run.id))

    async def start(self) -> None:
        """Fail what an earlier process left."""
        if not self._alone:
            return
        async with self._storage.open("", reading=True) as uow:
            left = await uow.credentials.unended_runs()
        for run in left:
            if run.id not in self._executing:
                await self._interrupt(run)

    async def stop(self, seconds: float) -> None:
        """Accept no more, give what is under way *seconds* to end, then fail it as INTERRUPTED."""
        self._stopping = True
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)
        for task in list(self._executing.values()):
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=LONGEST_PAUSE)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._trace.close()

    def _begin(self, run: Run, graph: WorkflowVersion) -> None:
        task = asyncio.ensure_future(self._carry_out(run, graph))
        self._tasks.add(task)
        self._executing[run.id] = task
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda _: self._events.ended(run.id))

    def _cancel(self, run_id: str) -> None:
        task = self._executing.pop(run_id, None)
        if task is None:
            self._events.ended(run_id)
        else:
            task.cancel()

    async def _carry_out(self, run: Run, graph: WorkflowVersion) -> None:
        try:
            ended = await self._executed(run, graph)
        except asyncio.CancelledError:
            # If it was cancelled by a user, that is stored already and stays.
            ended = run.fail(INTERRUPTED, at=self._clock.now())
        except Exception as error:
            log.error("Run %s could not be started", run.id, exc_info=error)
            ended = run.fail(UNSTORABLE, at=self._clock.now())
        finally:
            self._executing.pop(run.id, None)
        try:
            await self._store_end(ended)
        except Exception as error:
            log.error("Run %s has no end that can be stored", run.id, exc_info=error)

    async def _executed(self, run: Run, graph: WorkflowVersion) -> Run:
        async with self._slots:
            started = run.start(at=self._clock.now())
            if not await self._stored(started):
                return started.cancel(at=self._clock.now())
            trace = self._trace.of(run)
            segment = await self._executor.execute(started, graph, self._runner, trace)
            return segment.run

    async def _store_end(self, ended: Run) -> None:
        steps = await self._trace.take(ended)
        try:
            await self._stored(ended, steps)
        except Exception as error:
            log.error("The end of run %s can't be stored as it is", ended.id, exc_info=error)
            await self._stored(_without_values(ended), [_bare(step) for step in steps])

    async def _stored(self, run: Run, steps: Sequence[Step] = ()) -> bool:
        """Store how a run stands, as soon as storage is available; say whether it was wanted."""
        pause = FIRST_PAUSE
        while True:
            try:
                async with self._storage.open(run.workspace_id) as uow:
                    await uow.runs.put_steps(steps)
                    advanced = await uow.runs.advance(run)
                    if advanced:
                        await self._chronicle.of_run(uow, run, steps)
                    return advanced
            except Unavailable as error:
                log.warning("Run %s waits for storage: %s", run.id, error.message)
            await self._clock.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    async def _interrupt(self, run: Run) -> None:
        now = self._clock.now()
        request = PageRequest(limit=LIMIT_MAX, newest_first=False)
        async with self._storage.open(run.workspace_id) as uow:
            while True:
                page = await uow.runs.steps(run.id, request)
                open_steps = [each for each in page.items if each.status in _UNENDED]
                cut_off = [each.fail(_CUT_OFF, at=now) for each in open_steps]
                await uow.runs.put_steps(cut_off)
                await self._chronicle.of_steps(uow, run, cut_off)
                if page.next_after is None:
                    break
                request = replace(request, after=page.next_after)
            interrupted = run.fail(INTERRUPTED, at=now)
            if await uow.runs.advance(interrupted):
                await self._chronicle.of_run(uow, interrupted)


def _without_values(ended: Run) -> Run:
    begun = replace(ended, status=RunStatus.RUNNING, output=None, error=None, finished_at=None)
    return begun.fail(UNSTORABLE, at=ended.finished_at or ended.queued_at)


def _bare(step: Step) -> Step:
    return replace(step, input=None, output=None)
