"""Who presents a credential: the actor behind a session's token or an API key."""

from dataclasses import dataclass, replace

from orbiter.application.credentials import NO_WORKSPACE
from orbiter.application.ports.identity import Tokens
from orbiter.application.ports.storage import Storage
from orbiter.application.ports.system import Clock
from orbiter.domain.api_keys import ApiKey
from orbiter.domain.errors import Unauthenticated
from orbiter.domain.identity import Actor, permissions_of
from orbiter.domain.sessions import Session
from orbiter.domain.users import User


@dataclass(frozen=True, slots=True)
class Authentication:
    """Turn a credential into an actor, in one statement.

    Credentials are looked up by their hash, so the time tells nothing about how near a guess was.
    What the actor may do is that of the user's role now, whatever it was when the session or the
    key was made.
    """

    storage: Storage
    tokens: Tokens
    clock: Clock

    async def by_session(self, token: str, *, address: str | None = None) -> Actor:
        """Return the signed-in user, or raise Unauthenticated; slide the session's end."""
        async with self.storage.open(NO_WORKSPACE, reading=True) as uow:
            found = await uow.credentials.by_session(self.tokens.hash(token))
        now = self.clock.now()
        if found is None or found[0].expired(now) or not found[1].active:
            raise Unauthenticated("The session has expired or was ended")
        session, user = found
        actor = actor_of(user, address=address, session=session)
        if not session.needs_touch(now):
            return actor
        async with self.storage.open(session.workspace_id) as uow:
            await uow.sessions.touch(session.touch(now))
        return replace(actor, renewed=True)

    async def by_api_key(self, key: str, *, address: str | None = None) -> Actor:
        """Return the key's creator, cut down to its scopes, or raise Unauthenticated."""
        async with self.storage.open(NO_WORKSPACE, reading=True) as uow:
            found = await uow.credentials.by_api_key(self.tokens.hash(key))
        now = self.clock.now()
        if found is None or found[0].expired(now) or not found[1].active:
            raise Unauthenticated("The API key is unknown, expired or revoked")
        kept, user = found
        if kept.needs_touch(now):
            async with self.storage.open(kept.workspace_id) as uow:
                await uow.api_keys.touch(kept.touch(now))
        return actor_of(user, address=address, key=kept)


def actor_of(
    user: User,
    *,
    address: str | None = None,
    session: Session | None = None,
    key: ApiKey | None = None,
) -> Actor:
    """Return *user* as somebody who acts; by an API key, with no more than its scopes open."""
    return Actor(
        user_id=user.id,
        workspace_id=user.workspace_id,
        role=user.role,
        permissions=permissions_of(user.role, key.scopes if key else None),
        email=user.email,
        session_id=session.id if session else None,
        api_key_id=key.id if key else None,
        address=address,
    )
