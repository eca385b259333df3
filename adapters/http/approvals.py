"""/api/v1/runs/:id/approvals: answers to what waits for somebody."""

from typing import Annotated, Any

from litestar import Controller, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from orbiter.adapters.http.access import ActorRequest, requires
from orbiter.adapters.http.bodies import about
from orbiter.adapters.http.runs import StepOut
from orbiter.adapters.http.wire import Input
from orbiter.application.facade import Orbiter
from orbiter.domain.approvals import Decision
from orbiter.domain.identity import Permission


class Answer(Input):
    """An answer to an approval; *fields* is what its node's schema asks for."""

    decision: Decision
    comment: Annotated[str, Meta(max_length=10_000, examples=["Looks good"])] | None = None
    fields: Annotated[dict[str, Any], Meta(examples=[{"amount": 100}])] | None = None


class ApprovalController(Controller):
    """Answering the approvals of runs."""

    path = "/runs/{run_id:str}/approvals"
    tags = ("runs",)

    @post(
        "/{step_id:str}",
        opt=requires(Permission.WORKFLOWS_RUN, **about("runs")),
        status_code=200,
        summary="Answer an approval",
    )
    async def answer(
        self,
        request: ActorRequest,
        core: NamedDependency[Orbiter],
        run_id: FromPath[str],
        step_id: FromPath[str],
        data: JSONBody[Answer],
    ) -> StepOut:
        """Return the answered step, whose run goes on; 409 when it waits for no answer."""
        step = await core.approvals.answer(request.user, run_id, step_id, **data.given())
        return StepOut.of(step)
