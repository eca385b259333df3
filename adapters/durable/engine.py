"""The engine: accepts runs, executes them here or leaves them to others, and loses none."""

import asyncio
import logging
from enum import Enum, auto
from typing import Final

from orbiter.adapters.durable.books import Books
from orbiter.adapters.durable.lease import TTL_SECONDS, Lease
from orbiter.adapters.durable.ledger import Ledger
from orbiter.adapters.durable.queue import Queue
from orbiter.adapters.durable.segments import Loaded, Segments
from orbiter.adapters.durable.stored import charge, closed
from orbiter.adapters.durable.trace import Trace
from orbiter.application.answers import Answers
from orbiter.application.execution.executor import Executor
from orbiter.application.execution.interpreter import INTERPRETER
from orbiter.application.ports.execution import RunEvents
from orbiter.application.ports.executions import Claimed, Recorded
from orbiter.application.ports.storage import Storage, UnitOfWork
from orbiter.application.ports.system import Clock, IdFactory
from orbiter.application.run_events import Chronicle
from orbiter.application.run_graphs import graph_of_run
from orbiter.application.run_steps import steps_of_run
from orbiter.domain.errors import Unavailable
from orbiter.domain.runs import Run, RunStatus, StepError
from orbiter.domain.workflows import WorkflowVersion

LOOK_SECONDS: Final = 0.4
UNWIND_SECONDS: Final = 5.0
CANCELLED: Final = StepError(code="CANCELLED", message="Cancelled before it ended")

log = logging.getLogger(__name__)


class _Why(Enum):
    """Why an execution was stopped before it came to its end."""

    CANCELLED = auto()
    LEFT = auto()


class DurableRunEngine:
    """Executes runs, *concurrency* at once and *workspace_concurrency* of one workspace (0 for
    any number); the others stay queued.

    Where storage is *shared* by several processes, each holds a lease of *ttl_seconds*, and takes
    over what those that ended without a word have left. One that does not *execute* accepts only.
    As long as processes of several *interpreters* live, each goes on with the runs that its own
    executed last, and what is new is the newest one's.
    """

    def __init__(
        self,
        *,
        storage: Storage,
        executor: Executor,
        events: RunEvents,
        chronicle: Chronicle,
        clock: Clock,
        new_id: IdFactory,
        concurrency: int = 32,
        workspace_concurrency: int = 0,
        shared: bool = False,
        executes: bool = True,
        ttl_seconds: float = TTL_SECONDS,
        interpreter: int = INTERPRETER,
    ) -> None:
        self._storage = storage
        self._clock = clock
        self._events = events
        self._chronicle = chronicle
        self._shared = shared
        self._executes = executes
        self._lease = Lease(
            storage,
            clock,
            new_id,
            interpreter=interpreter,
            shared=shared,
            ttl_seconds=ttl_seconds,
        )
        self._ledger = Ledger(storage, clock)
        self._trace = Trace(storage, clock, self._lease, chronicle)
        self._answers = Answers(clock, new_id)
        self._books = Books(self._ledger, self._lease, chronicle, self._answers)
        self._segments = Segments(
            storage=storage, executor=executor, books=self._books, trace=self._trace, clock=clock
        )
        self._queue = Queue(
            storage,
            clock,
            self._lease,
            self._begin,
            size=concurrency,
            share=workspace_concurrency,
            shared=shared,
        )
        self._executing: dict[str, asyncio.Task[None]] = {}
        self._why: dict[str, _Why] = {}
        self._watchers: list[asyncio.Task[None]] = []
        self._stopping = False

    async def accept(
        self,
        uow: UnitOfWork,
        run: Run,
        *,
        graph: WorkflowVersion | None = None,
        has_past: bool = False,
    ) -> None:
        """Store the queued run in the caller's transaction; it is executed once that commits."""
        if self._stopping:
            raise Unavailable("The server is stopping")
        if graph is None:
            graph = await graph_of_run(uow, run)
        await uow.runs.add(run)
        here = self._executes and not has_past and self._queue.has_room(run.workspace_id)
        executor_id = self._lease.executor_id if here else None
        await uow.executions.add(
            run.id,
            run.workspace_id,
            executor_id=executor_id,
            interpreter=self._lease.interpreter,
            due_at=run.queued_at,
        )
        if executor_id is None:
            uow.after_commit(self._stir)
        else:
            loaded = Loaded(run=run, graph=graph)
            uow.after_commit(lambda: self._begin_accepted(loaded, executor_id))

    async def cancel(self, uow: UnitOfWork, run: Run) -> None:
        """Stop executing a run that the caller's transaction marks as cancelled, at its commit.

        Its unended child runs are cancelled in the same transaction.
        """
        for each in await uow.executions.children(run.id):
            child = (await uow.runs.get(each.run_id)).cancel(at=self._clock.now())
            if await uow.runs.advance(child):
                await self.cancel(uow, child)
                await self._chronicle.of_run(uow, child)
        if run.id not in self._executing:
            steps = await steps_of_run(uow, run.id)
            await uow.runs.put_steps(closed(steps, CANCELLED, at=self._clock.now()))
            await charge(uow, run.id, steps)
        await self._answers.of_run(uow, run)
        await uow.executions.remove(run.id)
        if run.parent_run_id is not None:
            await uow.executions.wake(run.parent_run_id)
        uow.after_commit(lambda: self._cancelled(run.id))

    async def answer(self, uow: UnitOfWork, run: Run, key: str, value: object) -> bool:
        """Record *value* under *key* and let the run go on at the commit."""
        if not await uow.executions.record(run.id, Recorded(key=key, value=value)):
            return False
        if run.status is RunStatus.WAITING:
            # Whoever answered sees at once that the run goes on.
            await uow.runs.advance(run.start(at=self._clock.now()))
        await uow.executions.wake(run.id)
        uow.after_commit(self._stir)
        return True

    async def start(self) -> None:
        """Begin executing; take up what earlier and dead processes left."""
        if not self._executes:
            return
        await self._lease.begin()
        if self._shared:
            self._watchers = [
                asyncio.ensure_future(self._lease.keep(self._leave_all)),
                asyncio.ensure_future(self._look_for_lost()),
            ]
        self._stir()

    async def stop(self, seconds: float) -> None:
        """Accept no more, give what is under way *seconds* to end, then leave it to the next."""
        self._stopping = True
        await self._queue.close()
        if self._executing:
            await asyncio.wait(self._executing.values(), timeout=seconds)
        left = list(self._executing)
        await self._trace.flush()
        self._leave_all()
        if self._executing:
            await asyncio.wait(self._executing.values(), timeout=UNWIND_SECONDS)
        await self._ledger.close(UNWIND_SECONDS)
        await self._trace.close()
        for watcher in self._watchers:
            watcher.cancel()
        await asyncio.gather(*self._watchers, return_exceptions=True)
        await self._give_back(left)

    def _stir(self) -> None:
        if self._executes:
            self._queue.stir()

    def _begin_accepted(self, loaded: Loaded, executor_id: str) -> None:
        run = loaded.run
        if self._stopping or executor_id != self._lease.executor_id:
            return  # it is freed with all that this lease had
        claimed = Claimed(run_id=run.id, workspace_id=run.workspace_id, takeups=1)
        self._queue.take(run.id, run.workspace_id)
        self._begin(claimed, loaded)

    def _begin(self, claimed: Claimed, accepted: Loaded | None = None) -> None:
        task = asyncio.ensure_future(self._execute(claimed, accepted))
        self._executing[claimed.run_id] = task
        task.add_done_callback(lambda _: self._ended(claimed.run_id, task))

    def _ended(self, run_id: str, task: asyncio.Task[None]) -> None:
        if self._executing.get(run_id) is task:
            del self._executing[run_id]
            self._why.pop(run_id, None)
            self._queue.leave(run_id)
            self._events.ended(run_id)

    async def _execute(self, claimed: Claimed, accepted: Loaded | None) -> None:
        run_id = claimed.run_id
        try:
            if await self._segments.execute(claimed, accepted):
                self._stir()
        except asyncio.CancelledError:
            steps = await self._trace.take(run_id)
            if self._why.get(run_id) is _Why.CANCELLED:
                await self._books.keep_cancelled(claimed.workspace_id, run_id, steps)
        except Exception as error:
            log.error("Run %s has no end that can be stored", run_id, exc_info=error)
        finally:
            self._trace.drop(run_id)

    def _cancelled(self, run_id: str) -> None:
        if run_id in self._executing:
            self._stop_executing(run_id, _Why.CANCELLED)
        else:
            self._events.ended(run_id)
        self._stir()

    def _stop_executing(self, run_id: str, why: _Why) -> None:
        task = self._executing.get(run_id)
        if task is not None and run_id not in self._why:
            self._why[run_id] = why
            task.cancel()

    def _leave_all(self) -> None:
        for run_id in list(self._executing):
            self._trace.drop(run_id)
            self._stop_executing(run_id, _Why.LEFT)

    async def _give_back(self, run_ids: list[str]) -> None:
        try:
            async with self._storage.open("") as uow:
                await uow.executions.release(run_ids, self._lease.executor_id)
            await self._lease.end()
        except Unavailable as error:
            log.warning("Runs are left to be taken over: %s", error.message)

    async def _look_for_lost(self) -> None:
        while True:
            await self._clock.sleep(LOOK_SECONDS)
            if not self._executing:
                continue
            try:
                await self._stop_lost(list(self._executing))
            except Exception as error:
                log.warning("Who has which run can't be looked up yet: %s", error)

    async def _stop_lost(self, run_ids: list[str]) -> None:
        async with self._storage.open("", reading=True) as uow:
            lost = await uow.executions.lost(self._lease.executor_id, run_ids)
            kept = await uow.executions.kept(lost) if lost else ()
        for run_id in lost:
            # One that is kept has another executor; else somebody cancelled it, or it just ended.
            self._stop_executing(run_id, _Why.LEFT if run_id in kept else _Why.CANCELLED)
