"""/api/v1/runs/:id/retry and /replay: a run once more."""

from typing import Annotated

from litestar import Controller, Response, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from orbiter.adapters.http.access import ActorRequest, requires
from orbiter.adapters.http.bodies import about
from orbiter.adapters.http.runs import Inputs, RunOut, answered
from orbiter.adapters.http.starting import VersionNumber
from orbiter.adapters.http.wire import Input
from orbiter.application.facade import Orbiter
from orbiter.domain.identity import Permission


class Replay(Input):
    """What is to be other than it was, and from which node on to run."""

    inputs: Inputs | None = None
    from_node: Annotated[str, Meta(max_length=100, examples=["greet"])] | None = None
    version: VersionNumber | None = None


class ReplayController(Controller):
    """Runs that begin with what an earlier one has done."""

    path = "/runs/{run_id:str}"
    tags = ("runs",)

    @post(
        "/retry",
        opt=requires(Permission.WORKFLOWS_RUN, rate="run"),
        status_code=202,
        summary="Retry a run",
    )
    async def retry(
        self, request: ActorRequest, core: NamedDependency[Orbiter], run_id: FromPath[str]
    ) -> Response[RunOut]:
        """Start a new run that goes on where a failed or cancelled one stopped; else 409."""
        return answered(await core.replays.retry(request.user, run_id))

    @post(
        "/replay",
        opt=requires(Permission.WORKFLOWS_RUN, rate="run", **about("runs")),
        status_code=202,
        summary="Replay a run",
    )
    async def replay(
        self,
        request: ActorRequest,
        core: NamedDependency[Orbiter],
        run_id: FromPath[str],
        data: JSONBody[Replay | None] = None,
    ) -> Response[RunOut]:
        """Start a new run of the same workflow: all of it, or all that comes after a node."""
        asked = (data or Replay()).given()
        return answered(await core.replays.replay(request.user, run_id, **asked))
