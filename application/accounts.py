"""Account use cases: registering, signing in and out, the own profile and password."""

from contextlib import suppress
from dataclasses import dataclass
from typing import TypedDict, Unpack

from orbiter.application.authentication import actor_of
from orbiter.application.credentials import NO_WORKSPACE, reread
from orbiter.application.errands import Errands
from orbiter.application.login import Login
from orbiter.application.password_resets import ForgotPassword, ResetPassword
from orbiter.application.ports.identity import PasswordHasher, Tokens
from orbiter.application.ports.storage import UnitOfWork
from orbiter.application.ports.system import Mailer
from orbiter.application.register import Register
from orbiter.application.work import Work
from orbiter.domain.checks import require
from orbiter.domain.errors import (
    Conflict,
    FieldProblem,
    Forbidden,
    Invalid,
    NotFound,
)
from orbiter.domain.identity import Actor, Permission, Role
from orbiter.domain.users import (
    Registration,
    User,
    account_problems,
    email_problems,
    name_problems,
    password_problems,
)
from orbiter.domain.workspaces import Workspace


class AccountChanges(TypedDict, total=False):
    """Fields one may revise of oneself; an absent key means leave it alone."""

    name: str | None
    email: str


@dataclass(frozen=True, slots=True)
class AccountHandlers:
    """What people do with their own account, some of it before anybody knows who they are.

    Passwords are hashed while no unit of work is open, so that nobody waits for it. Mailed links
    start with *public_url*.
    """

    work: Work
    tokens: Tokens
    passwords: PasswordHasher
    mailer: Mailer
    registration: Registration
    public_url: str
    errands: Errands

    @property
    def register(self) -> Register:
        """Return the use case of making an account."""
        return Register(self.work, self.tokens, self.passwords, self.registration)

    @property
    def login(self) -> Login:
        """Return the use case of beginning a session."""
        return Login(self.work, self.tokens, self.passwords)

    @property
    def forgot_password(self) -> ForgotPassword:
        """Return the use case of mailing a way back into an account."""
        return ForgotPassword(self.work, self.tokens, self.mailer, self.public_url, self.errands)

    @property
    def reset_password(self) -> ResetPassword:
        """Return the use case of taking a mailed token for a new password."""
        return ResetPassword(self.work, self.tokens, self.passwords)

    async def create(
        self, *, email: str, password: str, role: Role, name: str | None = None
    ) -> User:
        """Make an account as the operator: in the oldest workspace, or in a first one.

        Raise Invalid with every wrong field, Conflict when *email* is known.
        """
        require(account_problems(email, password, name))
        password_hash = await self.passwords.hash(password)
        async with self.work.storage.open(NO_WORKSPACE, reading=True) as uow:
            oldest = await uow.credentials.workspaces(1)
        user = User.registered(
            id=self.work.new_id(),
            workspace_id=oldest[0].id if oldest else self.work.new_id(),
            email=email,
            name=name,
            role=role,
            password_hash=password_hash,
            at=self.work.clock.now(),
        )
        async with self.work.storage.open(user.workspace_id) as uow:
            if not oldest:
                await uow.credentials.add_workspace(Workspace.of(user))
            await uow.users.add(user)
            await self.work.audit(uow, actor_of(user), "user.registered", user.id)
        return user

    async def logout(self, actor: Actor) -> None:
        """End the session the actor came by; raise Forbidden when it came by an API key."""
        if actor.session_id is None:
            raise Forbidden("Only a session can be signed out of")
        async with self.work(actor, Permission.ACCOUNT_WRITE) as uow:
            # Another request of the same browser may have been quicker.
            with suppress(NotFound):
                await uow.sessions.remove(actor.session_id)
                await self.work.audit(uow, actor, "session.ended", actor.session_id)

    async def me(self, actor: Actor) -> User:
        """Return the actor's own user."""
        async with self.work(actor, Permission.ACCOUNT_READ) as uow:
            return await uow.users.get(actor.user_id)

    async def update(
        self,
        actor: Actor,
        *,
        current_password: str | None = None,
        **changes: Unpack[AccountChanges],
    ) -> User:
        """Change the fields given, leave the rest; another email needs *current_password* too.

        Raise Invalid with every wrong field, Conflict when the new email is known.
        """
        user = await self._own(actor)
        moves = changes.get("email", user.email) != user.email
        problems = [
            *name_problems(changes.get("name")),
            *email_problems(changes.get("email", user.email)),
            *(await self._proof_problems(user, current_password) if moves else ()),
        ]
        if problems:
            raise Invalid(problems)
        async with self.work(actor, Permission.ACCOUNT_WRITE) as uow:
            user = await _unchanged(uow, user)
            user = user.revise(at=self.work.clock.now(), **changes)
            await uow.users.save(user)
            await self.work.audit(uow, actor, "user.updated", user.id)
        return user

    async def change_password(
        self, actor: Actor, *, current_password: str, new_password: str
    ) -> None:
        """Change the password and end every session but the one the actor came by.

        Raise Invalid with every wrong field.
        """
        user = await self._own(actor)
        problems = [
            *await self._proof_problems(user, current_password),
            *password_problems(new_password, "new_password"),
        ]
        if problems:
            raise Invalid(problems)
        password_hash = await self.passwords.hash(new_password)
        async with self.work(actor, Permission.ACCOUNT_WRITE) as uow:
            user = await _unchanged(uow, user)
            await uow.users.save(user.with_password(password_hash, at=self.work.clock.now()))
            await uow.sessions.remove_all(user.id, but=actor.session_id)
            await self.work.audit(uow, actor, "password.changed", user.id)

    async def _own(self, actor: Actor) -> User:
        async with self.work(actor, Permission.ACCOUNT_WRITE, reading=True) as uow:
            return await uow.users.get(actor.user_id)

    async def _proof_problems(self, user: User, password: str | None) -> list[FieldProblem]:
        if password is None:
            return [FieldProblem("current_password", "Field required", "missing")]
        if await self.passwords.verify(password, user.password_hash):
            return []
        return [FieldProblem("current_password", "The password is wrong")]


async def _unchanged(uow: UnitOfWork, user: User) -> User:
    current = await reread(uow, user)
    if current is None:
        raise Conflict("The account was changed meanwhile")
    return current
