"""/api/v1/workflows/:id/run: starting workflows."""

from typing import Annotated

from litestar import Controller, Response, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from orbiter.adapters.http.access import ActorRequest, requires
from orbiter.adapters.http.bodies import about
from orbiter.adapters.http.run_events import events_of
from orbiter.adapters.http.runs import Inputs, RunOut, answered
from orbiter.adapters.http.streams import STREAMS, is_wanted
from orbiter.adapters.http.waiting import Prefer, Wait, preference_applied, wait_seconds
from orbiter.adapters.http.wire import Input
from orbiter.application.facade import Orbiter
from orbiter.domain.identity import Permission


class StartRun(Input):
    """What to run with."""

    inputs: Inputs | None = None
    version: Annotated[int, Meta(ge=1, le=2**31 - 1)] | None = None


class StartController(Controller):
    """Starting workflows."""

    path = "/workflows/{workflow_id:str}/run"
    tags = ("workflows",)

    @post(
        opt=requires(Permission.WORKFLOWS_RUN, rate="run", **about("workflows"), **{STREAMS: True}),
        status_code=202,
        summary="Execute a workflow",
    )
    async def start(
        self,
        request: ActorRequest,
        core: NamedDependency[Orbiter],
        workflow_id: FromPath[str],
        data: JSONBody[StartRun | None] = None,
        wait: Wait = None,
        prefer: Prefer = None,
    ) -> Response[RunOut]:
        """Start a run; 200 with the ended run when waiting sees its end, else 202.

        With `Accept: text/event-stream` the answer is 200 and the run's events as they happen, like
        `GET /runs/:id/events`.
        """
        asked, streams = data or StartRun(), is_wanted(request)
        run = await core.run_workflow(
            request.user,
            workflow_id,
            inputs=asked.inputs,
            version=asked.version,
            wait_seconds=0 if streams else wait_seconds(wait, prefer),
        )
        if streams:
            may = Permission.WORKFLOWS_RUN
            return await events_of(core, request.user, run.id, permission=may)
        return answered(run, preference_applied(wait, prefer))
