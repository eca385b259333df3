"""Workflows run by a real engine over storage in memory, in virtual time."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from orbiter.adapters.durable.engine import DurableRunEngine
from orbiter.adapters.memory.run_feed import MemoryRunFeed
from orbiter.adapters.memory.storage import MemoryStorage
from orbiter.adapters.system.ids import new_id
from orbiter.application.ports.storage import Storage, UnitOfWork
from orbiter.application.run_endings import RunEndings
from orbiter.application.run_events import Chronicle
from orbiter.application.run_workflow import RunWorkflow
from orbiter.application.runs import RunDetail, RunHandlers
from orbiter.application.starting import Starting
from orbiter.application.work import Work
from orbiter.domain.identity import Actor, Role, permissions_of
from orbiter.domain.projects import Project
from orbiter.domain.runs import Run
from orbiter.domain.workflows import Workflow, WorkflowVersion
from support.clock import START
from support.graphs import Laboratory

DEVELOPER = Actor(
    user_id=new_id(),
    workspace_id=new_id(),
    role=Role.DEVELOPER,
    permissions=permissions_of(Role.DEVELOPER),
)


class Hiccups:
    """Storage that fails to open as often as *trouble* says."""

    def __init__(self, storage: Storage) -> None:
        self.storage = storage
        self.trouble: list[Exception] = []

    @asynccontextmanager
    async def open(self, workspace_id: str, *, reading: bool = False) -> AsyncIterator[UnitOfWork]:
        if self.trouble and not reading:
            raise self.trouble.pop()
        async with self.storage.open(workspace_id, reading=reading) as uow:
            yield uow

    async def ready(self) -> None:
        await self.storage.ready()

    async def shrink(self) -> None:
        await self.storage.shrink()

    async def close(self) -> None:
        await self.storage.close()


@dataclass
class Plant(Laboratory):
    """A server's insides: accepts runs and executes them."""

    kept: MemoryStorage = field(default_factory=MemoryStorage)
    concurrency: int = 32

    def __post_init__(self) -> None:
        super().__post_init__()
        self.storage = Hiccups(self.kept)
        self.feed = MemoryRunFeed()
        self.events = RunEndings(self.kept, self.feed)
        self.chronicle = Chronicle(self.feed, self.clock)
        self.engine = self.another_engine()
        work = Work(self.kept, self.clock, new_id)
        self.runs = RunHandlers(work, self.engine, self.events, self.chronicle)
        self.start = RunWorkflow(work, Starting(work, self.engine, self.events), self.executor)

    def another_engine(self, **changes: Any) -> DurableRunEngine:
        return DurableRunEngine(
            storage=self.storage,
            events=self.events,
            chronicle=self.chronicle,
            clock=self.clock,
            new_id=new_id,
            **{"executor": self.executor, "concurrency": self.concurrency, **changes},
        )

    def accept_by(self, engine: DurableRunEngine) -> None:
        """Let runs be accepted by another engine from now on."""
        self.start = replace(self.start, starting=replace(self.start.starting, engine=engine))

    async def killed(self) -> None:
        """Let the engine end as by a kill: nothing is stored any more."""
        self.storage.trouble = [RuntimeError("killed")] * 1000
        while tasks := [each for each in asyncio.all_tasks() if _of_the_engine(each)]:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await asyncio.sleep(0)
        self.storage.trouble = []

    async def keep(self, graph: WorkflowVersion) -> str:
        """Store a workflow with that graph and return its id."""
        project = Project(
            id=new_id(),
            workspace_id=DEVELOPER.workspace_id,
            name=new_id(),
            created_by=DEVELOPER.user_id,
            created_at=START,
            updated_at=START,
        )
        head = Workflow(
            id=graph.workflow_id,
            workspace_id=DEVELOPER.workspace_id,
            project_id=project.id,
            name="workflow",
            created_by=DEVELOPER.user_id,
            created_at=START,
            updated_at=START,
        ).show(graph)
        async with self.kept.open(DEVELOPER.workspace_id) as uow:
            await uow.projects.add(project)
            await uow.workflows.add(head)
            await uow.workflows.add_version(graph)
        return head.id

    async def accepted(
        self, graph: WorkflowVersion, inputs: Mapping[str, Any] | None = None
    ) -> Run:
        """Return a run that was accepted, and not waited for."""
        return await self.start(DEVELOPER, await self.keep(graph), inputs=inputs)

    async def detail(self, run: Run) -> RunDetail:
        return await self.runs.get(DEVELOPER, run.id)

    async def when(self, true: Callable[[RunDetail], bool], run: Run) -> RunDetail:
        """Return the run as soon as it stands as it is waited for."""
        while not true(detail := await self.detail(run)):
            await self.clock.sleep(0.01)
        return detail

    async def ended(self, run: Run) -> RunDetail:
        return await self.when(lambda detail: detail.run.ended, run)


def _of_the_engine(task: "asyncio.Task[Any]") -> bool:
    code = getattr(task.get_coro(), "cr_code", None)
    return code is not None and "/adapters/durable/" in code.co_filename
