"""How those who start a run are answered: at once, after its end, or with its events.

They wait for its end by `?wait=` or `Prefer: wait=` (RFC 7240).
"""

import re
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Annotated, Any, Final, Protocol

from litestar import Response
from litestar.params import HeaderParameter, QueryParameter
from msgspec import Meta

from orbiter.adapters.http.access import ActorRequest, requires
from orbiter.adapters.http.bodies import about
from orbiter.adapters.http.idempotency import undertaking_of
from orbiter.adapters.http.run_events import events_of
from orbiter.adapters.http.runs import RunOut, answered
from orbiter.adapters.http.streams import STREAMS, is_wanted
from orbiter.application.facade import Orbiter
from orbiter.domain.identity import Permission
from orbiter.domain.runs import Run

WAIT_MAX: Final = 60
_WAIT: Final = re.compile(r"(?:^|[,;\s])wait\s*=\s*\"?(\d{1,9})\"?", re.IGNORECASE)

VersionNumber = Annotated[int, Meta(ge=1, le=2**31 - 1)]
Wait = Annotated[
    int | None,
    QueryParameter(name="wait", ge=1, le=WAIT_MAX, description="Seconds to wait for the end."),
]
Prefer = Annotated[
    str | None,
    HeaderParameter(name="Prefer", description="`wait=<1..60>`: seconds to wait for the end."),
]


class Start(Protocol):
    """Starts a run and returns it as it stands after at most *wait_seconds*."""

    def __call__(self, *, wait_seconds: float) -> Awaitable[Run]:
        """Start it."""
        ...


@dataclass(frozen=True, slots=True)
class Reply:
    """How the caller of a route that `starts` something wants to hear of the run.

    It may take *wait_seconds* before that; *preferred* of them are no demand but a preference.
    """

    request: ActorRequest
    wait_seconds: int
    preferred: int

    async def of(self, start: Start, core: Orbiter, permission: Permission) -> Response[RunOut]:
        """Return the run that *start* starts with *permission*: 200 if it has ended, else 202.

        200 and its events as they happen for who accepts these rather than JSON.
        """
        run = await started(
            self.request, start, core, wait_seconds=self.wait_seconds, permission=permission
        )
        if is_wanted(self.request):
            return await events_of(core, self.request.user, run.id, permission=permission)
        applied = {"Preference-Applied": f"wait={self.preferred}"} if self.preferred else {}
        return answered(run, applied)


async def started(
    request: ActorRequest,
    start: Start,
    core: Orbiter,
    *,
    wait_seconds: int,
    permission: Permission,
) -> Run:
    """Return the run that *start* starts, as it stands after at most *wait_seconds*.

    It is the same when the request is repeated under its key before that was answered.
    """
    undertaking = undertaking_of(request)
    run_id = None if undertaking is None else undertaking.run_id
    if undertaking is None or not (run_id or wait_seconds):
        return await start(wait_seconds=wait_seconds)
    if run_id is None:
        run_id = (await start(wait_seconds=0)).id
        await undertaking.begin(run_id)
    return await core.runs.after(request.user, run_id, wait_seconds, permission=permission)


def reply(request: ActorRequest, wait: Wait = None, prefer: Prefer = None) -> Reply:
    """Return what a request says of it; a preference beyond 60 seconds is cut."""
    found = _WAIT.search(prefer) if prefer and wait is None else None
    preferred = min(int(found[1]), WAIT_MAX) if found else 0
    return Reply(request, 0 if is_wanted(request) else wait or preferred, preferred)


def starts(permission: Permission, kind: str) -> dict[str, Any]:
    """Return the options of a route that starts one of a *kind*, which its path names."""
    return requires(permission, rate="run", **about(kind), **{STREAMS: True})
