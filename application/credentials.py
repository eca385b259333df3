"""Finding whom a credential belongs to, and making sure of it when it is used."""

from typing import Final

from orbiter.application.ports.storage import Storage, UnitOfWork
from orbiter.domain.errors import NotFound
from orbiter.domain.users import User

NO_WORKSPACE: Final = ""


async def user_by_email(storage: Storage, email: str) -> User | None:
    """Return who signs in with *email*."""
    async with storage.open(NO_WORKSPACE, reading=True) as uow:
        return await uow.credentials.user_by_email(email)


async def reread(uow: UnitOfWork, user: User) -> User | None:
    """Return *user* as stored now, kept from changing till the unit of work ends.

    None when the user is gone or has other credentials than when *user* was read: what was
    checked against those, outside of a transaction, proves nothing any more.
    """
    try:
        now = await uow.users.get(user.id)
    except NotFound:
        return None
    same = (now.password_hash, now.invite_token_hash) == (
        user.password_hash,
        user.invite_token_hash,
    )
    return now if same else None
