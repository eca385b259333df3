"""Signing in: a session for who knows the password, and one refusal for everybody else."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from orbiter.application.authentication import actor_of
from orbiter.application.credentials import reread, user_by_email
from orbiter.application.paging import LIMIT_MAX, PageRequest
from orbiter.application.ports.identity import PasswordHasher, Tokens
from orbiter.application.ports.storage import UnitOfWork
from orbiter.application.work import Work
from orbiter.domain.errors import Unauthenticated
from orbiter.domain.sessions import Session
from orbiter.domain.users import User

# When a refused sign-in is answered, whatever was done for it before.
REFUSAL_SECONDS: Final = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """A session that has begun; *token* is shown this once."""

    user: User
    session: Session
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Login:
    """Turn an address and a password into a session."""

    work: Work
    tokens: Tokens
    passwords: PasswordHasher

    async def __call__(
        self,
        *,
        email: str,
        password: str,
        address: str | None = None,
        user_agent: str | None = None,
    ) -> SignIn:
        """Begin a session, or raise Unauthenticated.

        The error and the time it takes are the same for an unknown address, a wrong password and
        somebody who was invited and has not joined.
        """
        asked_at = self.work.clock.now()
        user = await user_by_email(self.work.storage, email)
        right = await self.passwords.verify(password, user.password_hash if user else None)
        begun = await self._begin(user, address, user_agent) if user and right else None
        if begun is not None:
            return begun
        if user is not None:
            await self._tell_refused(user, address)
        await self._wait_until_even(asked_at)
        raise Unauthenticated("The email or the password is wrong")

    async def _begin(
        self, user: User, address: str | None, user_agent: str | None
    ) -> SignIn | None:
        now, token = self.work.clock.now(), self.tokens.new()
        session = Session.begin(
            id=self.work.new_id(),
            workspace_id=user.workspace_id,
            user_id=user.id,
            token_hash=self.tokens.hash(token),
            at=now,
            address=address,
            user_agent=user_agent,
        )
        async with self.work.storage.open(user.workspace_id) as uow:
            current = await reread(uow, user)
            if current is None:
                return None
            await _forget_expired(uow, user.id, now)
            await uow.sessions.add(session)
            actor = actor_of(current, address=address, session=session)
            await self.work.audit(uow, actor, "session.started", session.id)
        return SignIn(user=current, session=session, token=token)

    async def _tell_refused(self, user: User, address: str | None) -> None:
        async with self.work.storage.open(user.workspace_id) as uow:
            await self.work.audit(uow, actor_of(user, address=address), "session.refused")

    async def _wait_until_even(self, asked_at: datetime) -> None:
        passed = (self.work.clock.now() - asked_at).total_seconds()
        await self.work.clock.sleep(min(max(REFUSAL_SECONDS - passed, 0), REFUSAL_SECONDS))


async def _forget_expired(uow: UnitOfWork, user_id: str, at: datetime) -> None:
    oldest = PageRequest(limit=LIMIT_MAX, newest_first=False)
    for session in (await uow.sessions.page(oldest, user_id)).items:
        if session.expired(at):
            await uow.sessions.remove(session.id)
