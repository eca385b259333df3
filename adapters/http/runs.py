"""/api/v1/runs, and starting them at /api/v1/workflows/:id/run."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any

from litestar import Controller, Response, delete, get, post
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, FromQuery, QueryParameter
from msgspec import Meta

from orbiter.adapters.http.access import ActorRequest, requires
from orbiter.adapters.http.answers import API
from orbiter.adapters.http.paging import PageOut, Pages
from orbiter.adapters.http.parameters import CreatedAfter, CreatedBefore, moment, text
from orbiter.adapters.http.wire import Id, Output, Timestamp
from orbiter.application.facade import Orbiter
from orbiter.application.ports.repositories import RunFilter
from orbiter.application.runs import RunDetail
from orbiter.domain.identity import Permission
from orbiter.domain.runs import (
    Run,
    RunError,
    RunKind,
    RunStatus,
    StepError,
    StepKind,
    StepStatus,
    Trigger,
)

Usd = Annotated[float, Meta(description="USD, exact to 1e-9.", examples=[0.0])]
Inputs = Annotated[dict[str, Any], Meta(examples=[{"name": "Ada"}])]
Cost = Annotated[
    float | None,
    QueryParameter(
        name="min_cost_usd", ge=0, le=1e9, description="Only what cost at least this many USD."
    ),
]
Duration = Annotated[
    int | None,
    QueryParameter(
        name="min_duration_ms",
        ge=0,
        le=2**62,
        description="Only what took at least this many milliseconds.",
    ),
]
Words = Annotated[
    str | None,
    QueryParameter(name="q", max_length=200, description="Text in id, inputs, output or error."),
]


class UsageOut(Output):
    """Tokens spent with models."""

    input_tokens: int
    output_tokens: int
    total_tokens: int


class StepOut(Output):
    """A line of the trace: one node and iteration, or a call made inside it."""

    id: Id
    parent_step_id: Id | None
    node_id: str | None
    kind: StepKind
    name: str
    iteration: int | None
    attempt: int
    status: StepStatus
    input: Any
    output: Any
    error: StepError | None
    usage: UsageOut
    cost_usd: Usd | None
    model: str | None
    logs: tuple[str, ...]
    reused: bool
    started_at: Timestamp | None
    finished_at: Timestamp | None
    duration_ms: int | None


class RunOut(Output):
    """One execution of a workflow."""

    id: Id
    kind: RunKind
    workflow_id: Id | None
    agent_id: Id | None
    project_id: Id
    version: int
    status: RunStatus
    trigger: Trigger
    inputs: Any
    output: Any
    error: RunError | None
    usage: UsageOut
    cost_usd: Usd | None
    parent_run_id: Id | None
    source_run_id: Id | None
    conversation_id: Id | None
    deployment_id: Id | None
    queued_at: Timestamp
    started_at: Timestamp | None
    finished_at: Timestamp | None
    duration_ms: int | None
    created_by: Id | None


class RunDetailOut(RunOut):
    """A run with its trace; of more than 500 steps the rest comes by `/runs/:id/steps`."""

    steps: list[StepOut]
    step_count: int

    @classmethod
    def shown(cls, detail: RunDetail) -> "RunDetailOut":
        """Return the run as it is shown."""
        steps = [StepOut.of(step) for step in detail.trace.items]
        return cls.of(detail.run, steps=steps, step_count=detail.trace.total)


def run_filter(
    status: FromQuery[RunStatus | None] = None,
    kind: FromQuery[RunKind | None] = None,
    project_id: FromQuery[str | None] = None,
    workflow_id: FromQuery[str | None] = None,
    agent_id: FromQuery[str | None] = None,
    deployment_id: FromQuery[str | None] = None,
    trigger: FromQuery[Trigger | None] = None,
    created_after: CreatedAfter = None,
    created_before: CreatedBefore = None,
    min_cost_usd: Cost = None,
    min_duration_ms: Duration = None,
    q: Words = None,
) -> RunFilter:
    """Return which runs are wanted."""
    return RunFilter(
        status=status,
        kind=kind,
        project_id=text(project_id),
        workflow_id=text(workflow_id),
        agent_id=text(agent_id),
        deployment_id=text(deployment_id),
        trigger=trigger,
        created_after=moment("created_after", created_after),
        created_before=moment("created_before", created_before),
        min_cost_usd=None if min_cost_usd is None else Decimal(str(min_cost_usd)),
        min_duration_ms=min_duration_ms,
        q=text(q) or None,
    )


def answered(run: Run, more: Mapping[str, str] | None = None) -> Response[RunOut]:
    """Return 200 for a run that has ended, else 202, with its place and *more* headers."""
    headers = {"Location": f"{API}/runs/{run.id}", **(more or {})}
    return Response(RunOut.of(run), status_code=200 if run.ended else 202, headers=headers)


class RunController(Controller):
    """Looking at runs, cancelling and deleting them."""

    path = "/runs"
    tags = ("runs",)
    dependencies = {"only": Provide(run_filter, sync_to_thread=False)}

    @get(opt=requires(Permission.RUNS_READ), summary="List runs with filtering")
    async def page(
        self,
        request: ActorRequest,
        core: NamedDependency[Orbiter],
        pages: NamedDependency[Pages],
        only: NamedDependency[RunFilter],
    ) -> PageOut[RunOut]:
        """Return the runs that match every filter, newest first, without their traces."""
        return pages.show(await core.runs.page(request.user, pages.wanted, only), RunOut)

    @get("/{run_id:str}", opt=requires(Permission.RUNS_READ), summary="Get run details with trace")
    async def show(
        self, request: ActorRequest, core: NamedDependency[Orbiter], run_id: FromPath[str]
    ) -> RunDetailOut:
        """Return a run with its steps in the order they started."""
        return RunDetailOut.shown(await core.runs.get(request.user, run_id))

    @get("/{run_id:str}/steps", opt=requires(Permission.RUNS_READ), summary="List a run's steps")
    async def steps(
        self,
        request: ActorRequest,
        core: NamedDependency[Orbiter],
        pages: NamedDependency[Pages],
        run_id: FromPath[str],
    ) -> PageOut[StepOut]:
        """Return the trace page by page, in the order the steps started."""
        return pages.show(await core.runs.steps(request.user, run_id, pages.wanted), StepOut)

    @post(
        "/{run_id:str}/cancel",
        opt=requires(Permission.WORKFLOWS_RUN),
        status_code=202,
        summary="Cancel a run",
    )
    async def cancel(
        self, request: ActorRequest, core: NamedDependency[Orbiter], run_id: FromPath[str]
    ) -> RunOut:
        """End a run within a second; 409 when it has ended already."""
        return RunOut.of(await core.runs.cancel(request.user, run_id))

    @delete("/{run_id:str}", opt=requires(Permission.RUNS_WRITE), summary="Delete a run")
    async def remove(
        self, request: ActorRequest, core: NamedDependency[Orbiter], run_id: FromPath[str]
    ) -> None:
        """Delete an ended run and its trace; 409 while it is under way."""
        await core.runs.remove(request.user, run_id)
