"""/api/v1/runs/:id/events: what happens in a run, as it happens."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, Any

from litestar import Controller, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath, HeaderParameter, QueryParameter
from msgspec import UNSET, UnsetType

from orbiter.adapters.http.access import ActorRequest, requires
from orbiter.adapters.http.answers import API
from orbiter.adapters.http.runs import RunOut, StepOut
from orbiter.adapters.http.streams import BEAT, EVENT_STREAM, STREAMS, message, stream
from orbiter.adapters.http.wire import Id, Output, Timestamp, timestamp
from orbiter.application.execution.texts import well_formed
from orbiter.application.facade import Orbiter
from orbiter.application.paging import PageRequest
from orbiter.application.run_events import Told
from orbiter.domain.identity import Actor, Permission
from orbiter.domain.run_events import Delta, RunEvent, RunEventType

Resumed = Annotated[
    str | None,
    HeaderParameter(name="Last-Event-ID", description="The last event seen; the next one follows."),
]
ResumedByQuery = Annotated[
    str | None,
    QueryParameter(name="last_event_id", description="The same, for those who can't set headers."),
]


class Speaking(Output):
    """The step in which a model speaks."""

    id: Id


class DeltaOut(Output):
    """What a model is just saying; it has no number, and is told to who listens, once."""

    run_id: Id
    sequence: int
    type: RunEventType
    at: Timestamp
    step: Speaking
    delta: str

    @classmethod
    def told(cls, delta: Delta) -> "DeltaOut":
        """Return what is said as it is sent."""
        return cls(
            run_id=delta.run_id,
            sequence=delta.sequence,
            type=RunEventType.STEP_DELTA,
            at=timestamp(delta.at),
            step=Speaking(id=delta.step_id),
            delta=well_formed(delta.text),
        )


class RunEventOut(Output):
    """One event; `step` or `run` is what it tells of, large values in it replaced by a note."""

    run_id: Id
    sequence: int
    type: RunEventType
    at: Timestamp
    step: StepOut | UnsetType = UNSET
    run: RunOut | UnsetType = UNSET

    @classmethod
    def told(cls, event: RunEvent) -> "RunEventOut":
        """Return the event as it is sent."""
        return cls(
            run_id=event.run_id,
            sequence=event.sequence,
            type=event.type,
            at=timestamp(event.at),
            step=UNSET if event.step is None else StepOut.of(event.step),
            run=UNSET if event.run is None else RunOut.of(event.run),
        )


async def events_of(
    core: Orbiter,
    actor: Actor,
    run_id: str,
    *,
    after: int = 0,
    permission: Permission = Permission.RUNS_READ,
) -> Response[Any]:
    """Return the stream of a run's events beyond *after*; 204 when there are none to come."""
    events = await core.run_events.follow(actor, run_id, after=after, permission=permission)
    if events is None:
        return Response(None, status_code=204)
    place = f"{API}/runs/{run_id}"
    headers = {"Location": place, "Content-Location": f"{place}/events"}
    return stream(written(events), **headers)


async def written(events: AsyncGenerator[Told, None]) -> AsyncGenerator[bytes, None]:
    """Yield what somebody who follows a run is told, as it is sent."""
    async with aclosing(events):
        async for event in events:
            match event:
                case None:
                    yield BEAT
                case Delta():
                    yield message(RunEventType.STEP_DELTA, DeltaOut.told(event))
                case RunEvent():
                    yield message(event.type, RunEventOut.told(event), id=event.sequence)


class RunEventController(Controller):
    """Watching runs."""

    path = "/runs/{run_id:str}/events"
    tags = ("runs",)

    @get(
        opt=requires(Permission.RUNS_READ, **{STREAMS: True}),
        media_type=EVENT_STREAM,
        summary="Watch a run",
    )
    async def watch(
        self,
        request: ActorRequest,
        core: NamedDependency[Orbiter],
        run_id: FromPath[str],
        resumed: Resumed = None,
        resumed_by_query: ResumedByQuery = None,
    ) -> Response[str]:
        """Stream a run's events (`text/event-stream`): those there were, then each as it comes.

        Each is `id: <sequence>`, `event: <type>` and `data: {run_id, sequence, type, at, step?,
        run?}`, counted from 1 without gaps; `step` and `run` are as `GET /runs/:id` shows them.
        While a model speaks, `step.delta` brings its text as it comes: `step` has the `id` alone,
        `delta` the text, and there is no `id:`, as it is not kept; the whole text stands in
        `step.completed`. After the one that ends the run (`run.completed`, `run.failed`,
        `run.cancelled`) the stream ends, and after an hour in any case. Whoever was cut off goes on
        after the last event seen: sent as `Last-Event-ID`, as browsers do by themselves, no event
        is lost or doubled. 204 when that was the end; 400 for an id that is no number. A comment
        comes when nothing else has for 15 seconds.
        """
        last = resumed if resumed is not None else resumed_by_query
        after = PageRequest(after=last or None).number_after() or 0
        return await events_of(core, request.user, run_id, after=after)
