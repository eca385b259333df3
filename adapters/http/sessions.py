"""/api/v1/auth/sessions: where the user is signed in."""

from litestar import Controller, delete, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from orbiter.adapters.http.access import ActorRequest, requires
from orbiter.adapters.http.paging import PageOut, Pages
from orbiter.adapters.http.wire import Id, Output, Timestamp
from orbiter.application.facade import Orbiter
from orbiter.domain.identity import Permission


class SessionOut(Output):
    """One sign-in of the user."""

    id: Id
    address: str | None
    user_agent: str | None
    created_at: Timestamp
    last_used_at: Timestamp
    expires_at: Timestamp


class SessionController(Controller):
    """The user's own sessions."""

    path = "/auth/sessions"
    tags = ("auth",)

    @get(opt=requires(Permission.ACCOUNT_READ), summary="List own sessions")
    async def page(
        self, request: ActorRequest, core: NamedDependency[Orbiter], pages: NamedDependency[Pages]
    ) -> PageOut[SessionOut]:
        """Return the user's sessions, newest first."""
        return pages.show(await core.sessions.page(request.user, pages.wanted), SessionOut)

    @delete(opt=requires(Permission.ACCOUNT_WRITE), summary="End the other sessions")
    async def remove_others(self, request: ActorRequest, core: NamedDependency[Orbiter]) -> None:
        """End all of the user's sessions but this one."""
        await core.sessions.remove_others(request.user)

    @get("/{session_id:str}", opt=requires(Permission.ACCOUNT_READ), summary="Get a session")
    async def show(
        self, request: ActorRequest, core: NamedDependency[Orbiter], session_id: FromPath[str]
    ) -> SessionOut:
        """Return one of the user's sessions."""
        return SessionOut.of(await core.sessions.get(request.user, session_id))

    @delete("/{session_id:str}", opt=requires(Permission.ACCOUNT_WRITE), summary="End a session")
    async def remove(
        self, request: ActorRequest, core: NamedDependency[Orbiter], session_id: FromPath[str]
    ) -> None:
        """End one of the user's sessions."""
        await core.sessions.remove(request.user, session_id)
