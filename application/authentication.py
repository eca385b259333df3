"""Who presents a credential: the actor behind a session's token or an API key."""

from dataclasses import dataclass

from orbiter.application.ports.identity import Tokens
from orbiter.application.ports.storage import Storage
from orbiter.application.ports.system import Clock
from orbiter.domain.api_keys import MARK, ApiKey
from orbiter.domain.errors import Unauthenticated
from orbiter.domain.identity import Actor, permissions_of
from orbiter.domain.sessions import Session
from orbiter.domain.users import User

NO_WORKSPACE = ""


@dataclass(frozen=True, slots=True)
class Authentication:
    """Turn a credential into an actor, in one statement."""

    storage: Storage
    tokens: Tokens
    clock: Clock

    async def by_session(self, token: str, *, address: str | None = None) -> Actor:
        """Return the signed-in user, or raise Unauthenticated; slide the session's end."""
        async with self.storage.open(NO_WORKSPACE, reading=True) as uow:
            found = await uow.credentials.by_session(self.tokens.hash(token))
        now = self.clock.now()
        if found is None or found[0].expires_at <= now:
            raise Unauthenticated("The session has expired or was ended")
        session, user = found
        if session.needs_touch(now):
            async with self.storage.open(session.workspace_id) as uow:
                await uow.sessions.touch(session.touch(now))
        return _signed_in(user, session, address)

    async def by_api_key(self, key: str, *, address: str | None = None) -> Actor:
        """Return the key's creator, cut down to its scopes, or raise Unauthenticated.

        The key is looked up by its hash, so the time tells nothing about how near a guess was.
        """
        async with self.storage.open(NO_WORKSPACE, reading=True) as uow:
            found = await uow.credentials.by_api_key(self.tokens.hash(key))
        now = self.clock.now()
        if not key.startswith(MARK) or found is None or found[0].expired(now):
            raise Unauthenticated("The API key is unknown, expired or revoked")
        kept, user = found
        if kept.needs_touch(now):
            async with self.storage.open(kept.workspace_id) as uow:
                await uow.api_keys.touch(kept.touch(now))
        return _holding(kept, user, address)


def _signed_in(user: User, session: Session, address: str | None) -> Actor:
    return Actor(
        user_id=user.id,
        workspace_id=user.workspace_id,
        role=user.role,
        permissions=permissions_of(user.role),
        email=user.email,
        session_id=session.id,
        address=address,
    )


def _holding(key: ApiKey, user: User, address: str | None) -> Actor:
    return Actor(
        user_id=user.id,
        workspace_id=key.workspace_id,
        role=user.role,
        permissions=permissions_of(user.role, key.scopes),
        email=user.email,
        api_key_id=key.id,
        address=address,
    )
