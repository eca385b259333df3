"""Runs and their steps in memory."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from orbiter.adapters.memory.notifications import drop_notifications
from orbiter.adapters.memory.repository import MemoryRepository, page_by, page_of, require
from orbiter.adapters.memory.tables import Tables
from orbiter.application.paging import Page, PageRequest
from orbiter.application.ports.repositories import RunFilter
from orbiter.domain.errors import NotFound
from orbiter.domain.runs import Run, Step
from orbiter.domain.searching import folded


class MemoryRuns(MemoryRepository[Run]):
    """Runs of one workspace."""

    def __init__(self, tables: Tables, workspace_id: str) -> None:
        super().__init__(tables.runs, workspace_id, "Run")
        self._tables = tables

    async def remove(self, entity_id: str) -> None:
        """Delete the run and all that hangs on it."""
        await super().remove(entity_id)
        for table in (self._tables.steps, self._tables.run_events, self._tables.effects):
            table.drop(entity_id)
        drop_notifications(self._tables, run_id=entity_id)

    async def page(self, request: PageRequest, only: RunFilter) -> Page[Run]:
        """Return a page of the runs that match."""
        return page_of((run for run in self._mine() if _matches(run, only)), request)

    async def advance(self, run: Run) -> bool:
        """Overwrite the stored run unless it has ended or is gone; say whether it was done."""
        self._rows.for_writing()
        stored = self._own(run.id)
        if stored is None or stored.ended:
            return False
        await self.save(run)
        return True

    async def put_steps(self, steps: Sequence[Step]) -> None:
        """Store steps, each in place of the one of the same id; those of no run are dropped."""
        self._tables.steps.for_writing()
        by_run: dict[str, dict[str, Step]] = defaultdict(dict)
        for step in steps:
            by_run[step.run_id][step.id] = step
        for run_id, changed in by_run.items():
            if self._own(run_id) is not None:
                others = self._tables.steps.get(run_id) or {}
                self._tables.steps.put(run_id, {**others, **changed})

    async def step(self, run_id: str, step_id: str) -> Step:
        """Return a step or raise NotFound."""
        step = self._steps_of(run_id).get(step_id)
        if step is None:
            raise NotFound("Step")
        return step

    async def steps(self, run_id: str, request: PageRequest) -> Page[Step]:
        """Return a page of steps, first ones first."""
        return page_by(
            self._steps_of(run_id).values(),
            lambda step: step.sequence,
            replace(request, newest_first=False),
            request.number_after(),
        )

    def _check(self, entity: Run) -> None:
        require(self._tables.projects, entity.project_id, entity.workspace_id, "Project")

    def _steps_of(self, run_id: str) -> Mapping[str, Step]:
        return {} if self._own(run_id) is None else self._tables.steps.get(run_id) or {}


def _matches(run: Run, only: RunFilter) -> bool:
    names = ("status", "kind", "project_id", "workflow_id", "agent_id", "deployment_id", "trigger")
    wanted = {name: getattr(only, name) for name in names}
    return (
        all(value is None or getattr(run, name) == value for name, value in wanted.items())
        and (only.created_after is None or run.queued_at >= only.created_after)
        and (only.created_before is None or run.queued_at < only.created_before)
        and (
            only.min_cost_usd is None
            or (run.cost_usd is not None and run.cost_usd >= only.min_cost_usd)
        )
        and _lasted(run, only.min_duration_ms)
        and (only.q is None or _mentions(run, only.q))
    )


def _lasted(run: Run, minimum: int | None) -> bool:
    return minimum is None or (run.duration_ms is not None and run.duration_ms >= minimum)


def _mentions(run: Run, text: str) -> bool:
    return folded(text) in run.searchable
