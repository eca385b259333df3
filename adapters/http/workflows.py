"""/api/v1/workflows: graphs and their versions."""

from collections.abc import Mapping
from typing import Annotated, Any

from litestar import Controller, Response, delete, get, post, put
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import UNSET, Meta, UnsetType

from orbiter.adapters.http.access import ActorRequest, requires
from orbiter.adapters.http.answers import IfMatch, created, etag_of, revisions_of, tagged
from orbiter.adapters.http.bodies import about
from orbiter.adapters.http.canvas import CanvasIn, canvas_problems, drawn
from orbiter.adapters.http.paging import PageOut, Pages
from orbiter.adapters.http.parameters import text
from orbiter.adapters.http.wire import Id, Input, Output, Timestamp
from orbiter.application.facade import Orbiter
from orbiter.application.ports.workflows import WorkflowFilter
from orbiter.application.workflows import WorkflowDetail
from orbiter.domain.checks import DESCRIPTION_MAX, NAME_MAX
from orbiter.domain.identity import Permission
from orbiter.domain.workflows import Canvas, Issue, WorkflowStatus

Name = Annotated[str, Meta(min_length=1, max_length=NAME_MAX, examples=["Greeting"])]
Description = Annotated[str, Meta(max_length=DESCRIPTION_MAX)]
Variables = Annotated[dict[str, Any], Meta(description="What `vars` start as in each run.")]


class NewWorkflow(Input):
    """A workflow to create; an unfinished canvas is kept, with its issues."""

    rules = {"canvas": canvas_problems}
    references = {"project_id": "projects"}

    project_id: Id
    name: Name
    description: Description | None = None
    status: WorkflowStatus = WorkflowStatus.DRAFT
    canvas: CanvasIn | None = None
    variables: Variables | None = None

    def given(self) -> dict[str, Any]:
        """Return the fields, the canvas as the domain knows it."""
        return with_canvas(super().given())


class WorkflowUpdate(Input):
    """What to change of a workflow; a changed canvas makes a version."""

    rules = {"canvas": canvas_problems}
    references = {"project_id": "projects"}

    project_id: Id | UnsetType = UNSET
    name: Name | UnsetType = UNSET
    description: Description | None | UnsetType = UNSET
    status: WorkflowStatus | UnsetType = UNSET
    canvas: CanvasIn | UnsetType = UNSET
    variables: Variables | UnsetType = UNSET

    def given(self) -> dict[str, Any]:
        """Return the fields that were sent, the canvas as the domain knows it."""
        return with_canvas(super().given())


def with_canvas(fields: dict[str, Any]) -> dict[str, Any]:
    """Return *fields* with the canvas, if there is one, as the domain knows it."""
    canvas = fields.get("canvas")
    return {**fields, "canvas": drawn(canvas)} if canvas is not None else fields


class WorkflowItem(Output):
    """A workflow in a list, without its canvas."""

    id: Id
    project_id: Id
    name: Name
    description: Description | None
    status: WorkflowStatus
    valid: bool
    issues: tuple[Issue, ...]
    version: int
    last_run_at: Timestamp | None
    created_by: Id
    created_at: Timestamp
    updated_at: Timestamp


class WorkflowOut(WorkflowItem):
    """A workflow with its latest graph; *issues* are what keeps it from running."""

    canvas: Canvas
    variables: Mapping[str, Any]

    @classmethod
    def shown(cls, detail: WorkflowDetail) -> "WorkflowOut":
        """Return the workflow as it is shown."""
        graph = detail.graph
        return cls.of(detail.workflow, canvas=graph.canvas, variables=graph.variables)


class VersionItem(Output):
    """A version in a list, without its canvas."""

    workflow_id: Id
    version: int
    valid: bool
    issues: tuple[Issue, ...]
    created_by: Id
    created_at: Timestamp


class VersionOut(VersionItem):
    """One state of a graph; it never changes."""

    canvas: Canvas
    variables: Mapping[str, Any]


def workflow_filter(project_id: FromQuery[str | None] = None) -> WorkflowFilter:
    """Return which workflows are wanted."""
    return WorkflowFilter(project_id=text(project_id))


class WorkflowController(Controller):
    """CRUD over workflows, versions and copies."""

    path = "/workflows"
    tags = ("workflows",)
    dependencies = {"only": Provide(workflow_filter, sync_to_thread=False)}

    @get(opt=requires(Permission.WORKFLOWS_READ), summary="List workflows")
    async def page(
        self,
        request: ActorRequest,
        core: NamedDependency[Orbiter],
        pages: NamedDependency[Pages],
        only: NamedDependency[WorkflowFilter],
    ) -> PageOut[WorkflowItem]:
        """Return workflows, newest first, without their canvases."""
        return pages.show(await core.workflows.page(request.user, pages.wanted, only), WorkflowItem)

    @post(opt=requires(Permission.WORKFLOWS_WRITE), summary="Create a workflow")
    async def create(
        self, request: ActorRequest, core: NamedDependency[Orbiter], data: JSONBody[NewWorkflow]
    ) -> Response[WorkflowOut]:
        """Add a workflow to a project; what is unfinished is told in `issues`."""
        return _created(await core.workflows.create(request.user, **data.given()))

    @get(
        "/{workflow_id:str}",
        opt=requires(Permission.WORKFLOWS_READ),
        summary="Get workflow with canvas data",
    )
    async def show(
        self, request: ActorRequest, core: NamedDependency[Orbiter], workflow_id: FromPath[str]
    ) -> Response[WorkflowOut]:
        """Return one workflow with its latest canvas."""
        return _tagged(await core.workflows.get(request.user, workflow_id))

    @put(
        "/{workflow_id:str}",
        opt=requires(Permission.WORKFLOWS_WRITE, **about("workflows")),
        summary="Update workflow and canvas",
    )
    async def revise(
        self,
        request: ActorRequest,
        core: NamedDependency[Orbiter],
        workflow_id: FromPath[str],
        data: JSONBody[WorkflowUpdate],
        if_match: IfMatch = None,
    ) -> Response[WorkflowOut]:
        """Change the fields given; 409 when `If-Match` names an older state."""
        expected = revisions_of(if_match)
        return _tagged(
            await core.workflows.revise(
                request.user, workflow_id, expected=expected, **data.given()
            )
        )

    @delete(
        "/{workflow_id:str}", opt=requires(Permission.WORKFLOWS_WRITE), summary="Delete workflow"
    )
    async def remove(
        self, request: ActorRequest, core: NamedDependency[Orbiter], workflow_id: FromPath[str]
    ) -> None:
        """Delete a workflow and its versions; its runs stay."""
        await core.workflows.remove(request.user, workflow_id)

    @post(
        "/{workflow_id:str}/duplicate",
        opt=requires(Permission.WORKFLOWS_WRITE),
        summary="Duplicate a workflow",
    )
    async def duplicate(
        self, request: ActorRequest, core: NamedDependency[Orbiter], workflow_id: FromPath[str]
    ) -> Response[WorkflowOut]:
        """Add a copy named `<name> (copy)`, at version 1."""
        return _created(await core.workflows.duplicate(request.user, workflow_id))

    @get(
        "/{workflow_id:str}/versions",
        opt=requires(Permission.WORKFLOWS_READ),
        summary="List a workflow's versions",
    )
    async def versions(
        self,
        request: ActorRequest,
        core: NamedDependency[Orbiter],
        pages: NamedDependency[Pages],
        workflow_id: FromPath[str],
    ) -> PageOut[VersionItem]:
        """Return the versions, newest first, without their canvases."""
        found = await core.workflows.versions(request.user, workflow_id, pages.wanted)
        return pages.show(found, VersionItem)

    @get(
        "/{workflow_id:str}/versions/{number:int}",
        opt=requires(Permission.WORKFLOWS_READ),
        summary="Get a workflow's version",
    )
    async def version(
        self,
        request: ActorRequest,
        core: NamedDependency[Orbiter],
        workflow_id: FromPath[str],
        number: FromPath[int],
    ) -> VersionOut:
        """Return one version with its canvas."""
        return VersionOut.of(await core.workflows.version(request.user, workflow_id, number))

    @post(
        "/{workflow_id:str}/versions/{number:int}/restore",
        opt=requires(Permission.WORKFLOWS_WRITE),
        status_code=200,
        summary="Restore a workflow's version",
    )
    async def restore(
        self,
        request: ActorRequest,
        core: NamedDependency[Orbiter],
        workflow_id: FromPath[str],
        number: FromPath[int],
    ) -> Response[WorkflowOut]:
        """Make an old version's canvas the latest, as a new version."""
        return _tagged(await core.workflows.restore(request.user, workflow_id, number))


def _created(detail: WorkflowDetail) -> Response[WorkflowOut]:
    head = detail.workflow
    out = WorkflowOut.shown(detail)
    return created(out, f"/workflows/{head.id}", etag=etag_of(head.revision))


def _tagged(detail: WorkflowDetail) -> Response[WorkflowOut]:
    return tagged(WorkflowOut.shown(detail), etag_of(detail.workflow.revision))
