"""Runs and their steps in SQL."""

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    Table,
    Text,
    bindparam,
    exists,
    literal_column,
    select,
    type_coerce,
)
from sqlalchemy.dialects.postgresql import Insert, insert  # SQLite speaks it too

from orbiter.adapters.sql.columns import INTEGER_MAX, Id, Instant, Json, Money, OneOf
from orbiter.adapters.sql.large_values import LargeValues, told
from orbiter.adapters.sql.metadata import metadata
from orbiter.adapters.sql.pages import Pages, pages_of
from orbiter.adapters.sql.references import belongs_to
from orbiter.adapters.sql.repository import Mapped, SqlRepository, Statements
from orbiter.adapters.sql.searching import containing, found_in
from orbiter.adapters.sql.steps import STEP_VALUES, STEPS, steps
from orbiter.adapters.sql.transactions import Transaction
from orbiter.application.paging import Page, PageRequest
from orbiter.application.ports.repositories import RunFilter
from orbiter.domain.checks import is_id
from orbiter.domain.errors import NotFound
from orbiter.domain.runs import TERMINAL, Run, RunError, RunKind, RunStatus, Step, Trigger, Usage

runs: Final = Table(
    "runs",
    metadata,
    Column("id", Id, primary_key=True),
    Column("workspace_id", Id, nullable=False),
    Column("kind", OneOf(RunKind), nullable=False),
    Column("workflow_id", Id),
    Column("agent_id", Id),
    Column("project_id", Id, nullable=False),
    Column("version", Integer, nullable=False),
    Column("status", OneOf(RunStatus), nullable=False),
    Column("trigger", OneOf(Trigger), nullable=False),
    Column("inputs", Json, nullable=False),
    Column("output", Json, nullable=False),
    Column("inputs_blob", Text),
    Column("output_blob", Text),
    Column("error", Json, nullable=False),
    Column("input_tokens", BigInteger, nullable=False),
    Column("output_tokens", BigInteger, nullable=False),
    Column("cost_usd", Money),
    Column("parent_run_id", Id),
    Column("source_run_id", Id),
    Column("conversation_id", Id),
    Column("deployment_id", Id),
    Column("queued_at", Instant, nullable=False),
    Column("started_at", Instant),
    Column("finished_at", Instant),
    Column("created_by", Id),
    Column("searchable", Text, nullable=False),
    belongs_to("projects", "project_id", "Project"),
    Index(None, "workspace_id", "id"),
    Index(None, "workspace_id", "project_id", "id"),
    Index(None, "workspace_id", "workflow_id", "id"),
    Index(None, "workspace_id", "agent_id", "id"),
    Index(None, "workspace_id", "status", "id"),
    Index(None, "workspace_id", "queued_at"),
    Index(None, "parent_run_id"),
)
# Written out, as a planner matches a partial index with no parameters.
UNENDED: Final = runs.c.status.not_in([literal_column(f"'{word}'") for word in sorted(TERMINAL)])
Index("ix_runs_unended", runs.c.id, sqlite_where=UNENDED, postgresql_where=UNENDED)
RUN_VALUES: Final = ("inputs", "output")


def _run(
    *,
    inputs: Any,
    output: Any,
    inputs_blob: str | None,
    output_blob: str | None,
    error: dict[str, Any] | None,
    input_tokens: int,
    output_tokens: int,
    **rest: Any,
) -> Run:
    return Run(
        inputs=told(inputs, inputs_blob),
        output=told(output, output_blob),
        error=RunError(**error) if error else None,
        usage=Usage(input_tokens=input_tokens, output_tokens=output_tokens),
        **rest,
    )


def _derived(run: Run) -> Mapping[str, Any]:
    return {
        "inputs_blob": None,
        "output_blob": None,
        "input_tokens": run.usage.input_tokens,
        "output_tokens": run.usage.output_tokens,
        "searchable": run.searchable,
    }


RUNS: Final = Mapped(
    runs,
    _run,
    read=[column for column in runs.columns if column is not runs.c.searchable],
    derived=_derived,
)

_STATEMENTS: Final = Statements(RUNS, "Run")
_ADVANCE: Final = _STATEMENTS.update.where(UNENDED)
_IDS: Final = ("project_id", "workflow_id", "agent_id", "deployment_id")
_WORDS: Final = ("status", "kind", "trigger")
_PAGES: Final = pages_of(
    RUNS,
    *_IDS,
    *_WORDS,
    created_after=runs.c.queued_at >= bindparam("created_after"),
    created_before=runs.c.queued_at < bindparam("created_before"),
    min_cost_usd=runs.c.cost_usd >= bindparam("min_cost_usd"),
    min_duration_ms=(
        type_coerce(runs.c.finished_at, BigInteger) - type_coerce(runs.c.started_at, BigInteger)
        >= bindparam("min_duration_ms")
    ),
    q=found_in(runs.c.searchable),
)

_A_RUN: Final = (runs.c.id == bindparam("of_run"), runs.c.workspace_id == bindparam("mine"))
_STEP_PAGES: Final = Pages(
    STEPS,
    steps.c.sequence,
    {
        "of_run": steps.c.run_id == bindparam("of_run"),
        "mine": exists().where(*_A_RUN),
    },
    ids=frozenset({"of_run"}),
)


_A_STEP: Final = select(*STEPS.columns).where(
    steps.c.run_id == bindparam("of_run"),
    steps.c.id == bindparam("the_id"),
    exists().where(*_A_RUN),
)


def _put_steps() -> Insert:
    # Locked, so that a run that is being removed meanwhile takes no step any more.
    values = [bindparam(f"new_{each.name}", type_=each.type) for each in steps.columns]
    known = select(*values).where(*_A_RUN).with_for_update(read=True, key_share=True, of=runs)
    put = insert(steps).from_select([each.name for each in steps.columns], known)
    return put.on_conflict_do_update(
        index_elements=steps.primary_key.columns,
        set_={each.name: put.excluded[each.name] for each in steps.columns},
    )


_PUT_STEPS: Final = _put_steps()
# Rows are made ready between other work of the process, which should not wait for long.
_STEPS_AT_ONCE: Final = 100


class SqlRuns(SqlRepository[Run]):
    """Runs of one workspace."""

    def __init__(self, transaction: Transaction, workspace_id: str, large: LargeValues) -> None:
        super().__init__(_STATEMENTS, transaction, workspace_id)
        self._large = large

    async def get(self, entity_id: str) -> Run:
        """Return the run or raise NotFound."""
        return await self._large.whole(await super().get(entity_id), RUN_VALUES)

    async def remove(self, entity_id: str) -> None:
        """Delete the run and all that hangs on it, or raise NotFound."""
        await super().remove(entity_id)
        await self._large.drop([entity_id])

    async def page(self, request: PageRequest, only: RunFilter) -> Page[Run]:
        """Return a page of the runs that match."""
        wanted = {each.name: getattr(only, each.name) for each in fields(only)}
        wanted["mine"] = self._workspace_id
        if only.q is not None:
            wanted["q"] = containing(only.q)
        if only.min_duration_ms is not None:
            wanted["min_duration_ms"] = max(-1, min(only.min_duration_ms, INTEGER_MAX))
        page = await _PAGES.page(self._transaction, wanted, request, request.id_after())
        return replace(page, items=[await self._large.whole(run, RUN_VALUES) for run in page.items])

    async def advance(self, run: Run) -> bool:
        """Overwrite the stored run unless it has ended or is gone; say whether it was done."""
        return await self._overwrite(_ADVANCE, run)

    async def put_steps(self, steps: Sequence[Step]) -> None:
        """Store steps, each in place of the one of the same id; those of no run are dropped."""
        self._transaction.require_writing()
        for at in range(0, len(steps), _STEPS_AT_ONCE):
            rows = [await self._of_step(step) for step in steps[at : at + _STEPS_AT_ONCE]]
            await self._transaction.write(_PUT_STEPS, rows)

    async def step(self, run_id: str, step_id: str) -> Step:
        """Return a step or raise NotFound."""
        row = None
        if is_id(run_id) and is_id(step_id):
            which = {"of_run": run_id, "the_id": step_id, "mine": self._workspace_id}
            row = await self._transaction.first(_A_STEP, which)
        if row is None:
            raise NotFound("Step")
        return await self._large.whole(STEPS.entity(row), STEP_VALUES)

    async def steps(self, run_id: str, request: PageRequest) -> Page[Step]:
        """Return a page of steps, first ones first."""
        forwards = replace(request, newest_first=False)
        which = {"of_run": run_id, "mine": self._workspace_id}
        page = await _STEP_PAGES.page(self._transaction, which, forwards, request.number_after())
        whole = [await self._large.whole(step, STEP_VALUES) for step in page.items]
        return replace(page, items=whole)

    async def _values(self, entity: Run) -> dict[str, Any]:
        return await self._large.put(entity.id, await super()._values(entity), RUN_VALUES)

    async def _of_step(self, step: Step) -> Mapping[str, Any]:
        values = await self._large.put(step.run_id, STEPS.row(step), STEP_VALUES)
        row = {f"new_{name}": value for name, value in values.items()}
        return {**row, "of_run": step.run_id, "mine": self._workspace_id}
