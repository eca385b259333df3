"""/api/v1/agents/:id/run: starting agents."""

from functools import partial
from typing import Annotated, Any

from litestar import Controller, Response, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from orbiter.adapters.http.access import ActorRequest
from orbiter.adapters.http.runs import RunOut
from orbiter.adapters.http.starting import Reply, VersionNumber, starts
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
    version: VersionNumber | None = None

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
        opt=starts(Permission.AGENTS_RUN, "agents"),
        status_code=202,
        summary="Run an agent",
    )
    async def start(
        self,
        request: ActorRequest,
        core: NamedDependency[Orbiter],
        agent_id: FromPath[str],
        reply: NamedDependency[Reply],
        data: JSONBody[StartAgent],
    ) -> Response[RunOut]:
        """Start a run; 200 with the ended run when waiting sees its end, else 202.

        With `Accept: text/event-stream` the answer is 200 and the run's events as they happen, like
        `GET /runs/:id/events`. 409 for an agent that is archived.
        """
        start = partial(
            core.run_agent,
            request.user,
            agent_id,
            inputs=data.inputs,
            version=data.version,
        )
        return await reply.of(start, core, Permission.AGENTS_RUN)
