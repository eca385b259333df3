"""Registering: a workspace of one's own, or a place in the one that invites."""

from dataclasses import dataclass

from orbiter.application.authentication import actor_of
from orbiter.application.credentials import NO_WORKSPACE, reread
from orbiter.application.ports.identity import PasswordHasher, Tokens
from orbiter.application.ports.storage import UnitOfWork
from orbiter.application.work import Work
from orbiter.domain.errors import Conflict, Forbidden, Invalid
from orbiter.domain.identity import Role
from orbiter.domain.users import (
    UNUSABLE_INVITATION,
    Registration,
    User,
    account_problems,
    invitation_problems,
)
from orbiter.domain.workspaces import Workspace


@dataclass(frozen=True, slots=True)
class Register:
    """Make an account for somebody nobody knows yet."""

    work: Work
    tokens: Tokens
    passwords: PasswordHasher
    registration: Registration

    async def __call__(
        self,
        *,
        email: str,
        password: str,
        name: str | None = None,
        invite_token: str | None = None,
        address: str | None = None,
    ) -> User:
        """Make an account with a workspace of its own, as its admin.

        With an *invite_token*, join the inviting workspace in the invited role instead; *email*
        must be the invited one, whichever its case. Raise Forbidden where registration is not
        open, Invalid with every wrong field, Conflict when somebody signs in with *email* already.
        """
        async with self.work.storage.open(NO_WORKSPACE, reading=True) as uow:
            await self._require_open(uow, invite_token)
            invited = await self._invited(uow, invite_token)
            problems = list(account_problems(email, password, name))
            if invite_token is not None:
                problems += invitation_problems(invited, email, self.work.clock.now())
            if problems:
                raise Invalid(problems)
            if await uow.credentials.user_by_email(email) is not None:
                raise Conflict("A user with this email already exists")
        password_hash = await self.passwords.hash(password)
        if invited is not None:
            return await self._join(invited, name, password_hash, address)
        return await self._found(email, name, password_hash, address)

    async def require_open(self) -> None:
        """Raise Forbidden where nobody may register, invited or not."""
        if self.registration is Registration.CLOSED:
            async with self.work.storage.open(NO_WORKSPACE, reading=True) as uow:
                await self._require_open(uow, None)

    async def _require_open(self, uow: UnitOfWork, invite_token: str | None) -> None:
        invites = self.registration is Registration.INVITE and invite_token is not None
        if self.registration is Registration.OPEN or invites:
            return
        if await uow.credentials.any_user():
            closed = self.registration is Registration.CLOSED
            raise Forbidden(
                "Registration is closed" if closed else "Registration needs an invitation"
            )

    async def _invited(self, uow: UnitOfWork, invite_token: str | None) -> User | None:
        if invite_token is None:
            return None
        return await uow.credentials.user_by_invite(self.tokens.hash(invite_token))

    async def _found(
        self, email: str, name: str | None, password_hash: str, address: str | None
    ) -> User:
        user = User.registered(
            id=self.work.new_id(),
            workspace_id=self.work.new_id(),
            email=email,
            name=name,
            role=Role.ADMIN,
            password_hash=password_hash,
            at=self.work.clock.now(),
        )
        async with self.work.storage.open(user.workspace_id) as uow:
            # Again: of two who would be the first, one has been by now.
            await self._require_open(uow, None)
            await uow.credentials.add_workspace(Workspace.of(user))
            await uow.users.add(user)
            await self._tell(uow, user, address)
        return user

    async def _join(
        self, invited: User, name: str | None, password_hash: str, address: str | None
    ) -> User:
        now = self.work.clock.now()
        async with self.work.storage.open(invited.workspace_id) as uow:
            user = await reread(uow, invited)
            if user is None:
                raise Invalid([UNUSABLE_INVITATION])
            user = user.join(name=name, password_hash=password_hash, at=now)
            await uow.users.save(user)
            await self._tell(uow, user, address)
        return user

    async def _tell(self, uow: UnitOfWork, user: User, address: str | None) -> None:
        actor = actor_of(user, address=address)
        await self.work.audit(uow, actor, "user.registered", user.id)
