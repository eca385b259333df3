"""The two halves of a forgotten password's way back: the mail, and the new password."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from orbiter.application.authentication import actor_of
from orbiter.application.credentials import NO_WORKSPACE, reread, user_by_email
from orbiter.application.errands import Errands
from orbiter.application.mails import password_reset
from orbiter.application.ports.identity import PasswordHasher, Tokens
from orbiter.application.ports.system import Mailer
from orbiter.application.work import Work
from orbiter.domain.checks import require
from orbiter.domain.errors import FieldProblem, Invalid
from orbiter.domain.password_resets import PasswordReset
from orbiter.domain.users import email_problems, password_problems

ANSWER_SECONDS: Final = 0.3
UNUSABLE: Final = FieldProblem("token", "The link is unknown, used or expired")


@dataclass(frozen=True, slots=True)
class ForgotPassword:
    """Mail a way back into an account, for whoever reads the mail."""

    work: Work
    tokens: Tokens
    mailer: Mailer
    public_url: str
    errands: Errands

    async def __call__(self, *, email: str, address: str | None = None) -> None:
        """Mail a link for a new password to whoever signs in with *email*, if anybody does.

        The outcome and the time are the same either way: the mail goes out on its own, and its
        failure is logged. Raise Invalid for what is no address.
        """
        require(email_problems(email))
        asked_at = self.work.clock.now()
        self.errands.begin("Mailing a password reset", self._offer(email, address, asked_at))
        await self.work.clock.sleep(ANSWER_SECONDS)

    async def _offer(self, email: str, address: str | None, asked_at: datetime) -> None:
        user = await user_by_email(self.work.storage, email)
        if user is None:
            return
        token = self.tokens.new()
        reset = PasswordReset.begin(
            id=self.work.new_id(),
            user_id=user.id,
            token_hash=self.tokens.hash(token),
            at=asked_at,
        )
        async with self.work.storage.open(user.workspace_id) as uow:
            await uow.credentials.add_reset(reset)
            actor = actor_of(user, address=address)
            await self.work.audit(uow, actor, "password.forgotten", user.id)
        # To the address that is kept: the one that was typed may only look the same.
        mail = password_reset(user.email, token=token, public_url=self.public_url)
        await self.mailer.send(mail)


@dataclass(frozen=True, slots=True)
class ResetPassword:
    """Take a mailed token for a new password."""

    work: Work
    tokens: Tokens
    passwords: PasswordHasher

    async def __call__(self, *, token: str, new_password: str) -> None:
        """Set the password, once per *token*, and end every session of the user.

        Raise Invalid with every wrong field: on `token` when it is unknown, used, older than an
        hour, or the account was changed since it was asked for.
        """
        token_hash = self.tokens.hash(token)
        async with self.work.storage.open(NO_WORKSPACE, reading=True) as uow:
            reset = await uow.credentials.reset(token_hash)
            user = await uow.credentials.user(reset.user_id) if reset else None
        opens = reset and user and reset.opens(user, self.work.clock.now())
        problems = [] if opens else [UNUSABLE]
        problems += password_problems(new_password, "new_password")
        if problems or user is None:
            raise Invalid(problems)
        password_hash = await self.passwords.hash(new_password)
        async with self.work.storage.open(user.workspace_id) as uow:
            current = await reread(uow, user)
            taken = await uow.credentials.take_reset(token_hash)
            now = self.work.clock.now()
            if current is None or taken is None or not taken.opens(current, now):
                raise Invalid([UNUSABLE])
            await uow.users.save(current.with_password(password_hash, at=now))
            await uow.sessions.remove_all(user.id)
            await self.work.audit(uow, actor_of(user), "password.reset", user.id)
