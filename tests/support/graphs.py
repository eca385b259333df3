"""Graphs in few words, and a place to run them without an engine."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Any

import httpx2

from orbiter.adapters.mcp.remote import McpTools
from orbiter.adapters.memory.blobs import MemoryBlobs
from orbiter.adapters.memory.mailer import MemoryMailer
from orbiter.adapters.memory.run_feed import MemoryRunFeed
from orbiter.adapters.memory.storage import MemoryStorage
from orbiter.adapters.models.gateway import VendorModels
from orbiter.adapters.outbound.allowlist import EgressAllowlist
from orbiter.adapters.outbound.search import EndpointSearch
from orbiter.adapters.outbound.transport import guarded_client
from orbiter.adapters.prices.kept import KeptPrices
from orbiter.adapters.sandbox.monty import MontySandbox
from orbiter.adapters.security.encryption import FernetCipher
from orbiter.adapters.system.ids import new_id
from orbiter.adapters.templating.json_schemas import JsonSchemas
from orbiter.adapters.templating.minijinja import MinijinjaTemplates
from orbiter.application.artifacts import Artifacts
from orbiter.application.catalogue import StoredCatalogue
from orbiter.application.execution.executor import Executor
from orbiter.application.execution.limits import Limits
from orbiter.application.execution.processor import Processor
from orbiter.application.execution.world import World
from orbiter.application.models import Models
from orbiter.application.notifications import StoredNotices
from orbiter.application.ports.models import ModelGateway
from orbiter.application.ports.outbound import (
    HttpClient,
    OutboundAnswer,
    OutboundError,
    OutboundRequest,
)
from orbiter.application.ports.sandbox import Sandbox
from orbiter.application.ports.storage import Storage
from orbiter.application.ports.system import Mailer
from orbiter.application.ports.templating import Templates
from orbiter.application.prices import WorkspacePrices
from orbiter.application.sealing import Seals
from orbiter.application.tool_uses import ToolUses
from orbiter.application.vault import Vault
from orbiter.domain.runs import Run, Step, StepKind, StepStatus, Trigger
from orbiter.domain.workflows import (
    Canvas,
    Edge,
    Node,
    OnError,
    Retry,
    WorkflowVersion,
    issues_of,
)
from support.clock import START
from support.step_runner import MemoryStepRunner
from support.virtual_time import VirtualClock

NOBODY = "0192f000-0000-7000-8000-000000000001"


def node(
    id: str,
    type: str,
    *,
    inside: str | None = None,
    on_error: OnError = OnError.FAIL,
    fallback: Any = None,
    retry: Retry | None = None,
    timeout: float | None = None,
    **config: Any,
) -> Node:
    """Return a node; a setting that is a word of Python's is written with `_` behind it."""
    return Node(
        id=id,
        type=type,
        parent_id=inside,
        on_error=on_error,
        fallback=fallback,
        retry=retry or Retry(),
        timeout_seconds=timeout,
        config={name.rstrip("_"): value for name, value in config.items()},
    )


def graph(*nodes: Node, edges: str, variables: Mapping[str, Any] | None = None) -> WorkflowVersion:
    """Return a graph without issues; *edges* is like `start > check, check.yes > end`."""
    drawn = (_edge(text) for text in edges.replace("\n", " ").split(","))
    canvas = Canvas(nodes=nodes, edges=tuple(drawn))
    assert list(canvas.problems()) == []
    assert issues_of(canvas) == ()
    return WorkflowVersion(
        workflow_id=new_id(),
        version=1,
        canvas=canvas,
        variables=variables or {},
        created_by=NOBODY,
        created_at=START,
    )


def _edge(text: str) -> Edge:
    source, target = (end.strip() for end in text.split(">"))
    source, _, handle = source.partition(".")
    return Edge(id=text, source=source, target=target, source_handle=handle or None)


@dataclass
class Traced:
    """A run that ended, and the last that was written of each of its steps."""

    run: Run
    steps: Sequence[Step]
    seconds: float

    @property
    def output(self) -> Any:
        assert self.run.error is None, self.run.error
        return self.run.output

    @property
    def failure(self) -> tuple[str, str | None]:
        assert self.run.error is not None
        return self.run.error.code, self.run.error.node_id

    def of(self, node_id: str) -> list[Step]:
        """Return a node's steps, in the order of starting."""
        return [step for step in self.steps if step.node_id == node_id]

    def one(self, node_id: str) -> Step:
        (step,) = self.of(node_id)
        return step

    def one_node(self, node_id: str) -> Step:
        """Return the step of a node itself, not those of calls in it."""
        (step,) = (step for step in self.of(node_id) if step.kind is StepKind.NODE)
        return step

    def nodes(self, status: StepStatus) -> set[str | None]:
        """Return the nodes whose steps have that status."""
        return {step.node_id for step in self.steps if step.status is status}


class Steps:
    """A trace in memory; `written` has every version of every step."""

    def __init__(self) -> None:
        self.written: list[Step] = []

    def write(self, step: Step) -> None:
        self.written.append(step)

    async def flush(self) -> None:
        pass

    @property
    def last(self) -> list[Step]:
        latest = {step.id: step for step in self.written}
        return sorted(latest.values(), key=lambda step: step.sequence)


class Unplugged:
    """No way out."""

    async def send(self, request: OutboundRequest) -> OutboundAnswer:
        raise OutboundError("CONNECTION_FAILED", "There is no network")


class Silent:
    """A service that never answers."""

    async def send(self, request: OutboundRequest) -> OutboundAnswer:
        await asyncio.Event().wait()
        raise AssertionError


@dataclass
class Laboratory:
    """An executor in virtual time."""

    http: HttpClient = field(default_factory=Unplugged)
    mailer: Mailer = field(default_factory=MemoryMailer)
    sandbox: Sandbox = field(default_factory=MontySandbox)
    templates: Templates = field(default_factory=MinijinjaTemplates)
    limits: Limits = Limits()
    # Real time has no say in virtual time, so runs compute without giving way unless asked to.
    processor: Processor = field(default_factory=lambda: Processor(slice_seconds=inf))
    clock: VirtualClock = field(default_factory=VirtualClock)
    kept: Storage = field(default_factory=MemoryStorage)
    gateway: ModelGateway = field(default_factory=lambda: VendorModels(httpx2.AsyncClient))

    def __post_init__(self) -> None:
        self.schemas = JsonSchemas()
        self.seals = Seals(FernetCipher(["of a laboratory"]))
        prices = WorkspacePrices(self.kept, KeptPrices(), self.clock)
        self.models = Models(self.kept, self.gateway, self.seals, prices, self.clock)
        self.world = World(
            templates=self.templates,
            schemas=self.schemas,
            http=self.http,
            mailer=self.mailer,
            sandbox=self.sandbox,
            notices=StoredNotices(self.kept, self.clock),
            clock=self.clock,
            models=self.models,
            catalogue=StoredCatalogue(self.kept, self.clock, ToolUses(self.kept, self.clock)),
            vault=Vault(self.kept, self.seals, self.clock),
            deltas=MemoryRunFeed(),
            artifacts=Artifacts(MemoryBlobs()),
            search=EndpointSearch(self.http, None),
            remote_tools=McpTools(lambda: guarded_client(EgressAllowlist())),
        )
        self.executor = Executor(self.world, self.limits, self.processor)
        self.runner = MemoryStepRunner(self.clock)

    async def run(
        self, graph: WorkflowVersion, run_id: str | None = None, /, **inputs: Any
    ) -> Traced:
        """Return the run of a graph once it has ended."""
        run, trace = a_started_run(graph, run_id, inputs), Steps()
        work = self.executor.execute(run, graph, self.runner, trace)
        ended = (await self.clock.through(work)).run
        seconds = (self.clock.now() - START).total_seconds()
        return Traced(ended, trace.last, seconds)


def a_started_run(graph: WorkflowVersion, run_id: str | None, inputs: Mapping[str, Any]) -> Run:
    """Return a run of *graph* that has just left the queue."""
    return Run(
        id=run_id or new_id(),
        workspace_id=NOBODY,
        workflow_id=graph.workflow_id,
        project_id=NOBODY,
        version=graph.version,
        trigger=Trigger.MANUAL,
        inputs=inputs,
        queued_at=START,
    ).start(at=START)
