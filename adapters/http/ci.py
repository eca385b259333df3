"""/api/v1/ci: what a build server does, with an API key."""

from typing import Annotated

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from orbiter.adapters.http.access import ActorRequest, requires
from orbiter.adapters.http.runs import Inputs, RunDetailOut, RunOut, answered
from orbiter.adapters.http.waiting import WAIT_MAX
from orbiter.adapters.http.wire import Id, Input
from orbiter.application.facade import Orbiter
from orbiter.domain.identity import Permission
from orbiter.domain.runs import Trigger


class CiRun(Input):
    """What to run, and how long to wait for its end."""

    workflow_id: Id
    inputs: Inputs | None = None
    wait_seconds: Annotated[int, Meta(ge=0, le=WAIT_MAX)] = 0


class CiController(Controller):
    """Runs started and read by build servers."""

    path = "/ci"
    tags = ("ci",)

    @post("/run", opt=requires(Permission.CI_RUN, rate="run"), status_code=202, summary="Run")
    async def run(
        self, request: ActorRequest, core: NamedDependency[Orbiter], data: JSONBody[CiRun]
    ) -> Response[RunOut]:
        """Start a workflow; 200 when waiting sees its end, else 202; 404 for an unknown one."""
        run = await core.run_workflow(
            request.user,
            data.workflow_id,
            inputs=data.inputs,
            wait_seconds=data.wait_seconds,
            trigger=Trigger.CI,
            permission=Permission.CI_RUN,
        )
        return answered(run)

    @get("/runs/{run_id:str}", opt=requires(Permission.CI_READ), summary="Get a run")
    async def show(
        self, request: ActorRequest, core: NamedDependency[Orbiter], run_id: FromPath[str]
    ) -> RunDetailOut:
        """Return a run with its trace."""
        return RunDetailOut.shown(
            await core.runs.get(request.user, run_id, permission=Permission.CI_READ)
        )
