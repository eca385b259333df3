"""Member use cases: inviting people, their roles, and letting them go."""

import logging
from dataclasses import dataclass, field
from typing import Final, TypedDict, Unpack

from orbiter.application.mails import invitation
from orbiter.application.paging import Page, PageRequest
from orbiter.application.ports.identity import Tokens
from orbiter.application.ports.system import Mailer
from orbiter.application.work import Work
from orbiter.domain.errors import Conflict, Invalid, Unavailable
from orbiter.domain.identity import Actor, Permission, Role
from orbiter.domain.users import User, UserStatus

_LOG: Final = logging.getLogger(__name__)


class MemberChanges(TypedDict, total=False):
    """Fields an admin may revise; the *email* of somebody who has not joined yet alone."""

    email: str
    role: Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """An invited user; *invite_token* is shown this once, and good for seven days."""

    user: User
    invite_token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class MemberHandlers:
    """What an actor may do with the members of the workspace, invited ones included."""

    work: Work
    tokens: Tokens
    mailer: Mailer
    public_url: str

    async def page(self, actor: Actor, request: PageRequest) -> Page[User]:
        """Return a page of the members."""
        async with self.work(actor, Permission.MEMBERS_READ) as uow:
            return await uow.users.page(request)

    async def get(self, actor: Actor, member_id: str) -> User:
        """Return a member."""
        async with self.work(actor, Permission.MEMBERS_READ) as uow:
            return await uow.users.get(member_id)

    async def invite(self, actor: Actor, *, email: str, role: Role) -> Invitation:
        """Invite somebody and mail the token; it is good even when the mail fails.

        Raise Conflict when the address is a member's or was invited already.
        """
        now = self.work.clock.now()
        token = self.tokens.new()
        async with self.work(actor, Permission.MEMBERS_WRITE) as uow:
            user = User(
                id=self.work.new_id(),
                workspace_id=actor.workspace_id,
                email=email,
                role=role,
                status=UserStatus.INVITED,
                created_at=now,
                updated_at=now,
            ).invite(self.tokens.hash(token), at=now)
            await uow.users.add(user)
            await self.work.audit(uow, actor, "member.invited", user.id)
        await self._mail(user, token)
        return Invitation(user=user, invite_token=token)

    async def revise(self, actor: Actor, member_id: str, **changes: Unpack[MemberChanges]) -> User:
        """Change the fields given, leave the rest; a new role counts from the next request on.

        Another *email* voids the invitation and mails a new one. Raise Invalid when the member
        has joined already (nobody else moves an account), Conflict when the last admin would go.
        """
        now = self.work.clock.now()
        token = self.tokens.new()
        async with self.work(actor, Permission.MEMBERS_WRITE) as uow:
            # Before the member, so that two who change each other wait instead of blocking.
            admins = await uow.users.active_admins()
            member = await uow.users.get(member_id)
            moves = changes.get("email", member.email) != member.email
            if moves and member.active:
                raise Invalid.field("email", "A member who has joined changes it alone")
            if changes.get("role", member.role) is not Role.ADMIN:
                _require_another_admin(member, admins)
            member = member.revise(at=now, **changes)
            if moves:
                member = member.invite(self.tokens.hash(token), at=now)
            await uow.users.save(member)
            await self.work.audit(uow, actor, "member.updated", member_id)
        if moves:
            await self._mail(member, token)
        return member

    async def remove(self, actor: Actor, member_id: str) -> None:
        """Let a member go, with every session and API key; raise Conflict for the last admin."""
        async with self.work(actor, Permission.MEMBERS_WRITE) as uow:
            admins = await uow.users.active_admins()
            _require_another_admin(await uow.users.get(member_id), admins)
            await uow.users.remove(member_id)
            await self.work.audit(uow, actor, "member.removed", member_id)

    async def _mail(self, user: User, token: str) -> None:
        mail = invitation(user.email, role=user.role, token=token, public_url=self.public_url)
        try:
            await self.mailer.send(mail)
        except Unavailable as failure:
            _LOG.warning("The invitation of %s was not mailed: %s", user.id, failure.message)


def _require_another_admin(member: User, admins: int) -> None:
    if member.active and member.role is Role.ADMIN and admins <= 1:
        raise Conflict("The last admin of a workspace can't leave")
