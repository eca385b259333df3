"""/api/v1/agents/:id/run: starting agents."""

from typing import Annotated, Any

from litestar import Controller, Response, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from orbiter.adapters.http.access import ActorRequest, requires
from orbiter.adapters.http.bodies import about
from orbiter.adapters.http.run_events import events_of
from orbiter.adapters.http.runs import RunOut, answered
from orbiter.adapters.http.streams import STREAMS, is_wanted
from orbiter.adapters.http.waiting import Prefer, Wait, preference_applied, wait_seconds
from orbiter.adapters.http.wire import Input
from orbiter.application.facade import Orbiter
from orbiter.application.run_agent import CONTEXT, INPUT
from orbiter.domain.identity import Permission

Asked = Annotated[
    Annotated[str, Meta(min_length=1)] | dict[str, Any] | list[Any] | int | float | bool,
    Meta(
        description="What the agent is asked: a text, or any other JSON, which it is told as text.",
        examples=["Where is order 4711?"],
    ),
]
Context = Annotated[
    dict[str, Any],
    Meta(
        description="What the agent is told beside its instructions.",
        examples=[{"customer": "Ada"}],
    ),
]


class StartAgent(Input):
    """What to ask an agent."""

    input: Asked
    context: Context | None = None
    version: Annotated[int, Meta(ge=1, le=2**31 - 1)] | None = None

    @property
    def inputs(self) -> dict[str, Any]:
        """Return the run's inputs."""
        context = {} if self.context is None else {CONTEXT: self.context}
        return {INPUT: self.input, **context}


class StartAgentController(Controller):
    """Starting agents."""

    path = "/agents/{agent_id:str}/run"
    tags = ("agents",)

    @post(
        opt=requires(Permission.AGENTS_RUN, rate="run", **about("agents"), **{STREAMS: True}),
        status_code=202,
        summary="Run an agent",
    )
    async def start(
        self,
        request: ActorRequest,
        core: NamedDependency[Orbiter],
        agent_id: FromPath[str],
        data: JSONBody[StartAgent],
        wait: Wait = None,
        prefer: Prefer = None,
    ) -> Response[RunOut]:
        """Start a run; 200 with the ended run when waiting sees its end, else 202.

        With `Accept: text/event-stream` the answer is 200 and the run's events as they happen, like
        `GET /runs/:id/events`. 409 for an agent that is archived.
        """
        streams = is_wanted(request)
        run = await core.run_agent(
            request.user,
            agent_id,
            inputs=data.inputs,
            version=data.version,
            wait_seconds=0 if streams else wait_seconds(wait, prefer),
        )
        if streams:
            may = Permission.AGENTS_RUN
            return await events_of(core, request.user, run.id, permission=may)
        return answered(run, preference_applied(wait, prefer))
