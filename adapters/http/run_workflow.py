"""/api/v1/workflows/:id/run: starting workflows."""

from functools import partial

from litestar import Controller, Response, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from orbiter.adapters.http.access import ActorRequest
from orbiter.adapters.http.runs import Inputs, RunOut
from orbiter.adapters.http.starting import Reply, VersionNumber, starts
from orbiter.adapters.http.wire import Input
from orbiter.application.facade import Orbiter
from orbiter.domain.identity import Permission


class StartRun(Input):
    """What to run with."""

    inputs: Inputs | None = None
    version: VersionNumber | None = None


class StartController(Controller):
    """Starting workflows."""

    path = "/workflows/{workflow_id:str}/run"
    tags = ("workflows",)

    @post(
        opt=starts(Permission.WORKFLOWS_RUN, "workflows"),
        status_code=202,
        summary="Execute a workflow",
    )
    async def start(
        self,
        request: ActorRequest,
        core: NamedDependency[Orbiter],
        workflow_id: FromPath[str],
        reply: NamedDependency[Reply],
        data: JSONBody[StartRun | None] = None,
    ) -> Response[RunOut]:
        """Start a run; 200 with the ended run when waiting sees its end, else 202.

        With `Accept: text/event-stream` the answer is 200 and the run's events as they happen, like
        `GET /runs/:id/events`.
        """
        asked = data or StartRun()
        start = partial(
            core.run_workflow,
            request.user,
            workflow_id,
            inputs=asked.inputs,
            version=asked.version,
        )
        return await reply.of(start, core, Permission.WORKFLOWS_RUN)
