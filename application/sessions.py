"""Session use cases: looking at one's sign-ins, ending them, and the CSRF token of each."""

from dataclasses import dataclass
from typing import Final

from orbiter.application.paging import Page, PageRequest
from orbiter.application.ports.identity import Tokens
from orbiter.application.ports.storage import UnitOfWork
from orbiter.application.work import Work
from orbiter.domain.errors import Forbidden, NotFound
from orbiter.domain.identity import Actor, Permission
from orbiter.domain.sessions import Session

CSRF: Final = "csrf"


@dataclass(frozen=True, slots=True)
class SessionHandlers:
    """What an actor may do with the own sessions; nobody sees another's."""

    work: Work
    tokens: Tokens

    async def page(self, actor: Actor, request: PageRequest) -> Page[Session]:
        """Return a page of the actor's sessions."""
        async with self.work(actor, Permission.ACCOUNT_READ) as uow:
            return await uow.sessions.page(request, actor.user_id)

    async def get(self, actor: Actor, session_id: str) -> Session:
        """Return one of the actor's sessions."""
        async with self.work(actor, Permission.ACCOUNT_READ) as uow:
            return await _own(uow, actor, session_id)

    async def remove(self, actor: Actor, session_id: str) -> None:
        """End one of the actor's sessions; its token is worth nothing from now on."""
        async with self.work(actor, Permission.ACCOUNT_WRITE) as uow:
            await _own(uow, actor, session_id)
            await uow.sessions.remove(session_id)
            await self.work.audit(uow, actor, "session.ended", session_id)

    async def remove_others(self, actor: Actor) -> None:
        """End every session of the actor's but the one the actor came by."""
        async with self.work(actor, Permission.ACCOUNT_WRITE) as uow:
            await uow.sessions.remove_all(actor.user_id, but=actor.session_id)
            await self.work.audit(uow, actor, "session.others_ended")

    def csrf_token(self, actor: Actor) -> str:
        """Return what a page must send along with a change; raise Forbidden without a session."""
        if actor.session_id is None:
            raise Forbidden("Only a session has a CSRF token")
        return self.tokens.sign(CSRF, actor.session_id)

    def csrf_holds(self, actor: Actor, token: str | None) -> bool:
        """Say in constant time whether *token* is that of the actor's session.

        An actor by API key needs none: no browser sends a key on its own.
        """
        if actor.session_id is None:
            return actor.api_key_id is not None
        return token is not None and self.tokens.signed(CSRF, actor.session_id, token)


async def _own(uow: UnitOfWork, actor: Actor, session_id: str) -> Session:
    session = await uow.sessions.get(session_id)
    if session.user_id != actor.user_id:
        raise NotFound("Session")
    return session
