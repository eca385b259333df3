"""/api/v1/projects."""

from typing import Annotated

from litestar import Controller, Response, delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import UNSET, Meta, UnsetType

from orbiter.adapters.http.access import ActorRequest, requires
from orbiter.adapters.http.answers import created
from orbiter.adapters.http.bodies import about
from orbiter.adapters.http.paging import PageOut, Pages
from orbiter.adapters.http.wire import Id, Input, Output, Timestamp
from orbiter.application.facade import Orbiter
from orbiter.domain.checks import DESCRIPTION_MAX, NAME_MAX
from orbiter.domain.identity import Permission
from orbiter.domain.projects import MODEL_MAX

Name = Annotated[str, Meta(min_length=1, max_length=NAME_MAX, examples=["Support desk"])]
Description = Annotated[str, Meta(max_length=DESCRIPTION_MAX, examples=["Answers tickets"])]
Model = Annotated[str, Meta(max_length=MODEL_MAX, examples=["openai:gpt-4o"])]
Cascade = Annotated[
    bool, QueryParameter(name="cascade", description="Delete what the project holds, too.")
]


class NewProject(Input):
    """A project to create."""

    name: Name
    description: Description | None = None
    default_model: Model | None = None


class ProjectUpdate(Input):
    """What to change of a project; null clears, absent keeps."""

    name: Name | UnsetType = UNSET
    description: Description | None | UnsetType = UNSET
    default_model: Model | None | UnsetType = UNSET


class ProjectOut(Output):
    """A project: the folder every other resource lives in."""

    id: Id
    name: Name
    description: Description | None
    default_model: Model | None
    created_by: Id
    created_at: Timestamp
    updated_at: Timestamp


class ProjectController(Controller):
    """CRUD over projects."""

    path = "/projects"
    tags = ("projects",)

    @get(opt=requires(Permission.PROJECTS_READ), summary="List projects")
    async def page(
        self, request: ActorRequest, core: NamedDependency[Orbiter], pages: NamedDependency[Pages]
    ) -> PageOut[ProjectOut]:
        """Return the workspace's projects, newest first."""
        return pages.show(await core.projects.page(request.user, pages.wanted), ProjectOut)

    @post(opt=requires(Permission.PROJECTS_WRITE), summary="Create a project")
    async def create(
        self, request: ActorRequest, core: NamedDependency[Orbiter], data: JSONBody[NewProject]
    ) -> Response[ProjectOut]:
        """Add a project to the workspace."""
        project = await core.projects.create(request.user, **data.given())
        return created(ProjectOut.of(project), f"/projects/{project.id}")

    @get("/{project_id:str}", opt=requires(Permission.PROJECTS_READ), summary="Get a project")
    async def show(
        self, request: ActorRequest, core: NamedDependency[Orbiter], project_id: FromPath[str]
    ) -> ProjectOut:
        """Return one project."""
        return ProjectOut.of(await core.projects.get(request.user, project_id))

    @put(
        "/{project_id:str}",
        opt=requires(Permission.PROJECTS_WRITE, **about("projects")),
        summary="Update a project",
    )
    async def revise(
        self,
        request: ActorRequest,
        core: NamedDependency[Orbiter],
        project_id: FromPath[str],
        data: JSONBody[ProjectUpdate],
    ) -> ProjectOut:
        """Change the fields given, keep the rest."""
        return ProjectOut.of(await core.projects.revise(request.user, project_id, **data.given()))

    @delete(
        "/{project_id:str}", opt=requires(Permission.PROJECTS_WRITE), summary="Delete a project"
    )
    async def remove(
        self,
        request: ActorRequest,
        core: NamedDependency[Orbiter],
        project_id: FromPath[str],
        cascade: Cascade = False,
    ) -> None:
        """Delete a project; 409 with `details.dependents` while it holds things."""
        await core.projects.remove(request.user, project_id, cascade=cascade)
