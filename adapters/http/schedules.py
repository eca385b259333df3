"""/api/v1/schedules: workflows that start by the clock."""

from typing import Annotated, Any, Final

from litestar import Controller, Response, delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import UNSET, Meta, UnsetType

from orbiter.adapters.http.access import ALSO, ActorRequest, requires
from orbiter.adapters.http.answers import created
from orbiter.adapters.http.bodies import about
from orbiter.adapters.http.paging import PageOut, Pages
from orbiter.adapters.http.parameters import text
from orbiter.adapters.http.wire import Id, Input, Output, Timestamp
from orbiter.adapters.system.cron import cron_problems, timezone_problems
from orbiter.application.facade import Orbiter
from orbiter.application.ports.triggers import TriggerFilter
from orbiter.domain.identity import Permission
from orbiter.domain.schedules import CRON_MAX, NAME_MAX, TIMEZONE_MAX

Name = Annotated[str, Meta(min_length=1, max_length=NAME_MAX, examples=["Morning report"])]
Cron = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=CRON_MAX,
        description="Minute, hour, day of month, month, day of week.",
        examples=["0 9 * * MON-FRI"],
    ),
]
Timezone = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=TIMEZONE_MAX,
        description="The IANA name of the time zone that *cron* is read in.",
        examples=["Europe/Berlin"],
    ),
]
# What starts runs is for who may start them.
STARTS: Final = {ALSO: (Permission.WORKFLOWS_RUN,)}
Inputs = Annotated[dict[str, Any], Meta(examples=[{"name": "Ada"}])]


class NewSchedule(Input):
    """A schedule to create; it is read in UTC by default."""

    rules = {"cron": cron_problems, "timezone": timezone_problems}
    references = {"workflow_id": "workflows"}

    workflow_id: Id
    cron: Cron
    timezone: Timezone = "UTC"
    name: Name | None = None
    inputs: Inputs | None = None
    enabled: bool = True


class ScheduleUpdate(Input):
    """What to change of a schedule; null clears, absent keeps."""

    rules = {"cron": cron_problems, "timezone": timezone_problems}
    references = {"workflow_id": "workflows"}

    workflow_id: Id | UnsetType = UNSET
    cron: Cron | UnsetType = UNSET
    timezone: Timezone | UnsetType = UNSET
    name: Name | None | UnsetType = UNSET
    inputs: Inputs | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET


class ScheduleOut(Output):
    """When a workflow starts; *last_error* says why the newest tick started no run."""

    id: Id
    workflow_id: Id
    name: str | None
    cron: Cron
    timezone: Timezone
    inputs: Inputs
    enabled: bool
    next_run_at: Timestamp | None
    last_run_at: Timestamp | None
    last_error: str | None
    created_by: Id
    created_at: Timestamp
    updated_at: Timestamp


class ScheduleController(Controller):
    """CRUD over schedules."""

    path = "/schedules"
    tags = ("schedules",)

    @get(opt=requires(Permission.SCHEDULES_READ), summary="List schedules")
    async def page(
        self,
        request: ActorRequest,
        core: NamedDependency[Orbiter],
        pages: NamedDependency[Pages],
        workflow_id: FromQuery[str | None] = None,
    ) -> PageOut[ScheduleOut]:
        """Return the workspace's schedules, newest first."""
        only = TriggerFilter(workflow_id=text(workflow_id))
        return pages.show(await core.schedules.page(request.user, pages.wanted, only), ScheduleOut)

    @post(opt=requires(Permission.SCHEDULES_WRITE, **STARTS), summary="Create a schedule")
    async def create(
        self, request: ActorRequest, core: NamedDependency[Orbiter], data: JSONBody[NewSchedule]
    ) -> Response[ScheduleOut]:
        """Start a workflow's latest version at every tick from now on.

        An API key needs the scope `run`, too. Of ticks that were missed while no server ran, the
        last one is made up for.
        """
        schedule = await core.schedules.create(request.user, **data.given())
        return created(ScheduleOut.of(schedule), f"/schedules/{schedule.id}")

    @get("/{schedule_id:str}", opt=requires(Permission.SCHEDULES_READ), summary="Get a schedule")
    async def show(
        self, request: ActorRequest, core: NamedDependency[Orbiter], schedule_id: FromPath[str]
    ) -> ScheduleOut:
        """Return one schedule."""
        return ScheduleOut.of(await core.schedules.get(request.user, schedule_id))

    @put(
        "/{schedule_id:str}",
        opt=requires(Permission.SCHEDULES_WRITE, **STARTS, **about("schedules")),
        summary="Update a schedule",
    )
    async def revise(
        self,
        request: ActorRequest,
        core: NamedDependency[Orbiter],
        schedule_id: FromPath[str],
        data: JSONBody[ScheduleUpdate],
    ) -> ScheduleOut:
        """Change the fields given, keep the rest; `next_run_at` follows."""
        revised = await core.schedules.revise(request.user, schedule_id, **data.given())
        return ScheduleOut.of(revised)

    @delete(
        "/{schedule_id:str}", opt=requires(Permission.SCHEDULES_WRITE), summary="Delete a schedule"
    )
    async def remove(
        self, request: ActorRequest, core: NamedDependency[Orbiter], schedule_id: FromPath[str]
    ) -> None:
        """Delete a schedule; the runs it started stay."""
        await core.schedules.remove(request.user, schedule_id)
