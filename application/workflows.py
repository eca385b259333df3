"""Workflow use cases: the head, its versions, restoring and copying."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypedDict, Unpack

from orbiter.application.paging import Page, PageRequest
from orbiter.application.ports.storage import UnitOfWork
from orbiter.application.ports.templating import Schemas
from orbiter.application.ports.workflows import WorkflowFilter
from orbiter.application.references import reference_problems
from orbiter.application.work import Work
from orbiter.domain.errors import Invalid
from orbiter.domain.identity import Actor, Permission
from orbiter.domain.versions import require_revision
from orbiter.domain.workflows import (
    Canvas,
    Issue,
    Node,
    Workflow,
    WorkflowChanges,
    WorkflowStatus,
    WorkflowVersion,
    issues_of,
)

# Which setting of a node is a JSON Schema, by its type.
_SCHEMAS: Final = {"start": "inputs", "approval": "fields", "llm": "output_schema"}


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowDetail:
    """A workflow and the graph of its latest version."""

    workflow: Workflow
    graph: WorkflowVersion


class GraphChanges(TypedDict, total=False):
    """Parts of the graph a caller may revise; each change makes a version."""

    canvas: Canvas
    variables: Mapping[str, Any]


class Revision(WorkflowChanges, GraphChanges, total=False):
    """Everything a caller may revise."""


@dataclass(frozen=True, slots=True)
class WorkflowHandlers:
    """What an actor may do with workflows, but for running them."""

    work: Work
    schemas: Schemas

    async def create(
        self,
        actor: Actor,
        *,
        project_id: str,
        name: str,
        description: str | None = None,
        status: WorkflowStatus = WorkflowStatus.DRAFT,
        canvas: Canvas | None = None,
        variables: Mapping[str, Any] | None = None,
    ) -> WorkflowDetail:
        """Add a workflow to a project; raise Invalid when the project is not the actor's."""
        now = self.work.clock.now()
        async with self.work(actor, Permission.WORKFLOWS_WRITE) as uow:
            await _require_sound(uow, canvas, project_id)
            head = Workflow(
                id=self.work.new_id(),
                workspace_id=actor.workspace_id,
                project_id=project_id,
                name=name,
                description=description,
                status=status,
                created_by=actor.user_id,
                created_at=now,
                updated_at=now,
            )
            graph = self._graph(head, canvas or Canvas(), variables or {}, by=actor, at=now)
            await self._add(uow, actor, head.show(graph), graph)
        return WorkflowDetail(workflow=head.show(graph), graph=graph)

    async def get(self, actor: Actor, workflow_id: str) -> WorkflowDetail:
        """Return a workflow with its latest graph."""
        async with self.work(actor, Permission.WORKFLOWS_READ) as uow:
            head = await uow.workflows.get(workflow_id)
            graph = await uow.workflows.version(workflow_id, head.version)
        return WorkflowDetail(workflow=head, graph=graph)

    async def page(
        self, actor: Actor, request: PageRequest, only: WorkflowFilter
    ) -> Page[Workflow]:
        """Return a page of workflows, without their graphs."""
        async with self.work(actor, Permission.WORKFLOWS_READ) as uow:
            return await uow.workflows.page(request, only)

    async def revise(
        self,
        actor: Actor,
        workflow_id: str,
        *,
        expected: Collection[int] | None = None,
        **changes: Unpack[Revision],
    ) -> WorkflowDetail:
        """Change the fields given; raise Conflict when the revision is none of the *expected*."""
        now = self.work.clock.now()
        async with self.work(actor, Permission.WORKFLOWS_WRITE) as uow:
            head = await uow.workflows.get(workflow_id)
            require_revision("workflow", head.revision, expected)
            await _require_sound(uow, changes.get("canvas"), changes.get("project_id"))
            graph = await uow.workflows.version(workflow_id, head.version)
            canvas = changes.pop("canvas", graph.canvas)
            variables = changes.pop("variables", graph.variables)
            if (canvas, variables) != (graph.canvas, graph.variables):
                graph = self._graph(
                    head, canvas, variables, by=actor, at=now, number=head.version + 1
                )
                await uow.workflows.add_version(graph)
            head = head.revise(at=now, **_of_head(changes)).show(graph)
            await uow.workflows.save(head)
            await self.work.audit(uow, actor, "workflow.updated", workflow_id)
        return WorkflowDetail(workflow=head, graph=graph)

    async def remove(self, actor: Actor, workflow_id: str) -> None:
        """Delete a workflow and its versions; its runs stay."""
        async with self.work(actor, Permission.WORKFLOWS_WRITE) as uow:
            await uow.workflows.remove(workflow_id)
            await self.work.audit(uow, actor, "workflow.deleted", workflow_id)

    async def duplicate(self, actor: Actor, workflow_id: str) -> WorkflowDetail:
        """Add a copy named `<name> (copy)`, at version 1."""
        now = self.work.clock.now()
        async with self.work(actor, Permission.WORKFLOWS_WRITE) as uow:
            source = await uow.workflows.get(workflow_id)
            drawn = await uow.workflows.version(workflow_id, source.version)
            head = source.copy(id=self.work.new_id(), by=actor.user_id, at=now)
            graph = self._graph(head, drawn.canvas, drawn.variables, by=actor, at=now)
            await self._add(uow, actor, head.show(graph), graph)
        return WorkflowDetail(workflow=head.show(graph), graph=graph)

    async def versions(
        self, actor: Actor, workflow_id: str, request: PageRequest
    ) -> Page[WorkflowVersion]:
        """Return a page of a workflow's versions."""
        async with self.work(actor, Permission.WORKFLOWS_READ) as uow:
            await uow.workflows.get(workflow_id)
            return await uow.workflows.versions(workflow_id, request)

    async def version(self, actor: Actor, workflow_id: str, number: int) -> WorkflowVersion:
        """Return one version of a workflow."""
        async with self.work(actor, Permission.WORKFLOWS_READ) as uow:
            return await uow.workflows.version(workflow_id, number)

    async def restore(self, actor: Actor, workflow_id: str, number: int) -> WorkflowDetail:
        """Make an old version's graph the latest, as a new version."""
        now = self.work.clock.now()
        async with self.work(actor, Permission.WORKFLOWS_WRITE) as uow:
            head = await uow.workflows.get(workflow_id)
            old = await uow.workflows.version(workflow_id, number)
            newest = head.version + 1
            graph = self._graph(head, old.canvas, old.variables, by=actor, at=now, number=newest)
            head = head.revise(at=now).show(graph)
            await uow.workflows.add_version(graph)
            await uow.workflows.save(head)
            await self.work.audit(uow, actor, "workflow.restored", workflow_id)
        return WorkflowDetail(workflow=head, graph=graph)

    async def _add(
        self, uow: UnitOfWork, actor: Actor, head: Workflow, graph: WorkflowVersion
    ) -> None:
        await uow.workflows.add(head)
        await uow.workflows.add_version(graph)
        await self.work.audit(uow, actor, "workflow.created", head.id)

    def _graph(
        self,
        head: Workflow,
        canvas: Canvas,
        variables: Mapping[str, Any],
        *,
        by: Actor,
        at: datetime,
        number: int = 1,
    ) -> WorkflowVersion:
        return WorkflowVersion(
            workflow_id=head.id,
            version=number,
            canvas=canvas,
            variables=variables,
            issues=(*issues_of(canvas), *self._schema_issues(canvas)),
            created_by=by.user_id,
            created_at=at,
        )

    def _schema_issues(self, canvas: Canvas) -> Iterator[Issue]:
        for node in canvas.nodes:
            for schema in filter(None, _schemas_of(node)):
                for complaint in self.schemas.complaints(schema):
                    yield Issue(node_id=node.id, code="INVALID_SCHEMA", message=complaint)
            for pattern in _patterns_of(node):
                if not self.schemas.is_pattern(pattern):
                    message = f"{pattern!r} is no regular expression that can be used here"
                    yield Issue(node_id=node.id, code="INVALID_PATTERN", message=message)


def _schemas_of(node: Node) -> Iterator[Mapping[str, Any] | None]:
    yield node.config.get(_SCHEMAS.get(node.type, ""))
    yield _agent_in(node).get("output_schema")


def _patterns_of(node: Node) -> Collection[str]:
    guardrails = _agent_in(node).get("guardrails") or {}
    return guardrails.get("blocked_patterns") or ()


def _agent_in(node: Node) -> Mapping[str, Any]:
    """Return the agent that is written out in a node, if one is."""
    return (node.config.get("agent") if node.type == "agent" else None) or {}


def _of_head(changes: Revision) -> WorkflowChanges:
    # What is left once the graph's own parts were taken out.
    return changes


async def _require_sound(uow: UnitOfWork, canvas: Canvas | None, project_id: str | None) -> None:
    """Raise Invalid with everything that is wrong with what is given, all at once."""
    found = [problem.under("canvas") for problem in canvas.problems()] if canvas else []
    found += await reference_problems("project_id", uow.projects.get, project_id)
    if found:
        raise Invalid(found)
