"""Runs a graph to its end, whatever happens on the way."""

import asyncio
import logging
import traceback
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from orbiter.application.execution.agents.graph import AgentGraph
from orbiter.application.execution.journal import Journal
from orbiter.application.execution.journey import Journey
from orbiter.application.execution.limits import Limits
from orbiter.application.execution.outcome import INTERNAL_ERROR, LimitCrossed, NodeFailed
from orbiter.application.execution.place import Place
from orbiter.application.execution.plan import Plan, plan_of
from orbiter.application.execution.processor import Processor
from orbiter.application.execution.scope import Scope, Sight
from orbiter.application.execution.variables import Variables
from orbiter.application.execution.walk import Walk
from orbiter.application.execution.world import World
from orbiter.application.ports.execution import (
    ChildRuns,
    Done,
    Effect,
    Parked,
    Past,
    Segment,
    StepRunner,
    TraceSink,
)
from orbiter.domain.errors import FieldProblem, Unavailable
from orbiter.domain.runs import Run, RunError, Step
from orbiter.domain.secrets import NO_SECRETS, SecretValues
from orbiter.domain.workflows import Retry, WorkflowVersion

NOTHING: Final = Past()
_PLANS_KEPT: Final = 256

log = logging.getLogger(__name__)


class Executor:
    """The interpreter of graphs; knows nothing of how runs are stored or taken up again."""

    def __init__(
        self, world: World, limits: Limits | None = None, processor: Processor | None = None
    ) -> None:
        self._world = world
        self._limits = limits or Limits()
        self._processor = processor or Processor()
        self._children: ChildRuns | None = None
        self._plans: dict[tuple[str, int], Plan] = {}

    def have(self, children: ChildRuns) -> None:
        """Let nodes start *children*; without that they can't."""
        # They need an engine, which needs an executor.
        self._children = children

    def is_instant(self, graph: WorkflowVersion) -> bool:
        """Say whether the graph is purely computed: no effect, no waiting."""
        return self._plan(graph).instant

    def input_problems(
        self, graph: WorkflowVersion, inputs: Mapping[str, Any]
    ) -> Sequence[FieldProblem]:
        """Return where *inputs* break the schema of the start; fields begin with `inputs`."""
        schema = graph.inputs_schema
        if schema is None:
            return ()
        given = self._world.schemas.with_defaults(schema, inputs)
        return [each.under("inputs") for each in self._world.schemas.problems(schema, given)]

    async def compute(self, run: Run, graph: WorkflowVersion) -> tuple[Run, Sequence[Step]]:
        """Return the ended run and its steps; only for a graph that is instant."""
        trace = _Collected()
        started = run.start(at=self._world.clock.now())
        segment = await self.execute(started, graph, _NoEffects(), trace)
        return segment.run, trace.steps

    async def execute(
        self,
        run: Run,
        graph: WorkflowVersion,
        runner: StepRunner,
        trace: TraceSink,
        past: Past = NOTHING,
    ) -> Segment:
        """Return the run, which is running, as it ended or waits; only a cancellation is raised.

        Its steps go to *trace*, its effects through *runner*; *past* is what was left before.
        """
        clock, plan = self._world.clock, self._plan(graph)
        secrets = await self._secrets(run, plan)
        journal = Journal(trace, clock, self._limits, self._processor, past, secrets)
        wake_at = None
        try:
            output = await self._output(run, graph, runner, journal, past.seconds, secrets)
            left = run.complete(secrets.redacted(output), at=clock.now())
        except Parked as parked:
            left, wake_at = run.wait(), parked.until
        except Exception as error:
            left = run.fail(_error_of(error, run, secrets), at=clock.now())
        if left.ended:
            journal.close()
            if plan.has_children:
                await self._end_children(run)
        return Segment(
            run=left.charge(journal.spending.usage, journal.spending.cost_usd), wake_at=wake_at
        )

    async def _output(
        self,
        run: Run,
        graph: WorkflowVersion,
        runner: StepRunner,
        journal: Journal,
        seconds_run: float,
        secrets: SecretValues,
    ) -> Any:
        plan = self._plan(graph)
        try:
            async with asyncio.timeout(self._limits.run_seconds - seconds_run) as bound:
                journey = Journey(
                    run=run,
                    agent=graph.agent if isinstance(graph, AgentGraph) else None,
                    plan=plan,
                    world=self._world,
                    runner=runner,
                    journal=journal,
                    bound=bound,
                    secrets=secrets,
                    children=self._children,
                )
                scope = self._scope(run, graph, plan, secrets)
                walk = Walk(journey, plan.top, Place(run_id=run.id), scope)
                return (await walk.to_the_end()).output
        except TimeoutError:
            message = f"The run took more than {self._limits.run_seconds:g} seconds"
            raise LimitCrossed("RUN_TIMEOUT", message) from None

    async def _end_children(self, run: Run) -> None:
        if self._children is not None:
            try:
                await self._children.cancel_all(run)
            except Unavailable as error:
                log.warning("Children of run %s may go on: %s", run.id, error.message)

    async def _secrets(self, run: Run, plan: Plan) -> SecretValues:
        if not plan.has_secrets:
            return NO_SECRETS
        return await self._world.vault.open(run.workspace_id, run.project_id)

    def _scope(self, run: Run, graph: WorkflowVersion, plan: Plan, secrets: SecretValues) -> Scope:
        schema = graph.inputs_schema
        inputs = run.inputs
        if schema is not None:
            inputs = self._world.schemas.with_defaults(schema, inputs)
        return Scope(
            values={"inputs": inputs, "run": {"id": run.id}, "secrets": secrets.values},
            known=dict.fromkeys(plan.top.ranks, {}),
            sight=Sight(variables=Variables(graph.variables)),
        )

    def _plan(self, graph: WorkflowVersion) -> Plan:
        # A version never changes, so its plan is made once.
        key = (graph.workflow_id, graph.version)
        plan = self._plans.get(key)
        if plan is None:
            if len(self._plans) >= _PLANS_KEPT:
                self._plans.pop(next(iter(self._plans)))
            plan = self._plans[key] = plan_of(graph.canvas)
        return plan


class _Collected:
    """A trace that is kept until the run has ended."""

    def __init__(self) -> None:
        self.steps: list[Step] = []

    def write(self, step: Step) -> None:
        self.steps.append(step)

    async def flush(self) -> None:
        pass


class _NoEffects:
    """The runner of a graph that has nothing to run by it."""

    async def run(
        self, key: str, effect: Effect, *, retry: Retry, timeout_seconds: float | None
    ) -> Done:
        raise RuntimeError(f"A computed graph has an effect: {key}")

    async def sleep(self, key: str, seconds: float) -> None:
        raise RuntimeError(f"A computed graph waits: {key}")

    async def answer(self, key: str, *, until: datetime | None = None) -> Any:
        raise Parked(until)

    async def decide(self, key: str, value: Any) -> Any:
        return value


def _error_of(error: Exception, run: Run, secrets: SecretValues) -> RunError:
    if isinstance(error, NodeFailed):
        return RunError(code=error.code, message=error.message, node_id=error.node_id)
    if isinstance(error, LimitCrossed):
        return RunError(code=error.code, message=error.message)
    log.error("Run %s came upon a bug: %s", run.id, secrets.redacted(_traceback(error)))
    return RunError(code=INTERNAL_ERROR[0], message=INTERNAL_ERROR[1])


def _traceback(error: Exception) -> str:
    return "".join(traceback.format_exception(error))
