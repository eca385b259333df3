"""/api/v1/ci: what a build server does, with an API key."""

from functools import partial
from typing import Annotated

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from orbiter.adapters.http.access import ActorRequest, requires
from orbiter.adapters.http.runs import Inputs, RunDetailOut, RunOut, answered
from orbiter.adapters.http.starting import WAIT_MAX, started
from orbiter.adapters.http.wire import Id, Input
from orbiter.application.facade import Orbiter
from orbiter.application.run_agent import RunAgent
from orbiter.application.run_workflow import RunWorkflow
from orbiter.domain.errors import Invalid, NotFound
from orbiter.domain.identity import Permission
from orbiter.domain.runs import Trigger


class CiRun(Input):
    """What to run, a workflow or an agent, and how long to wait for its end."""

    references = {"workflow_id": "workflows", "agent_id": "agents"}

    workflow_id: Id | None = None
    agent_id: Id | None = None
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
        """Start a workflow, or an agent on `inputs.input`; 200 when waiting sees its end, else 202.

        Exactly one of `workflow_id` and `agent_id` is given.
        """
        run_it, field, id = _asked(core, data)
        start = partial(
            run_it,
            request.user,
            id,
            inputs=data.inputs or {},
            trigger=Trigger.CI,
            permission=Permission.CI_RUN,
        )
        try:
            run = await started(
                request, start, core, wait_seconds=data.wait_seconds, permission=Permission.CI_RUN
            )
        except NotFound as absent:
            raise Invalid.field(field, absent.message) from None
        return answered(run)

    @get("/runs/{run_id:str}", opt=requires(Permission.CI_READ), summary="Get a run")
    async def show(
        self, request: ActorRequest, core: NamedDependency[Orbiter], run_id: FromPath[str]
    ) -> RunDetailOut:
        """Return a run with its trace."""
        return RunDetailOut.shown(
            await core.runs.get(request.user, run_id, permission=Permission.CI_READ)
        )


def _asked(core: Orbiter, data: CiRun) -> tuple[RunWorkflow | RunAgent, str, str]:
    """Return what starts it, and its field and id; raise Invalid for both or none."""
    match data.workflow_id, data.agent_id:
        case None, None:
            raise Invalid.field("workflow_id", "Field required", "missing")
        case str(id), None:
            return core.run_workflow, "workflow_id", id
        case None, str(id):
            return core.run_agent, "agent_id", id
    raise Invalid.field("agent_id", "Give a workflow_id or an agent_id, not both")
