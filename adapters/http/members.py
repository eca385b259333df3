"""/api/v1/members: who belongs to the workspace."""

from typing import Annotated

from litestar import Controller, Response, delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import UNSET, Meta, UnsetType

from orbiter.adapters.http.access import ActorRequest, requires
from orbiter.adapters.http.accounts import Email
from orbiter.adapters.http.answers import created
from orbiter.adapters.http.bodies import about
from orbiter.adapters.http.paging import PageOut, Pages
from orbiter.adapters.http.wire import Id, Input, Output, Timestamp
from orbiter.application.facade import Orbiter
from orbiter.domain.identity import Permission, Role
from orbiter.domain.users import UserStatus, email_problems

InviteToken = Annotated[str, Meta(description="Shown this once; sent with the registration.")]


class NewMember(Input):
    """Whom to invite, and as what."""

    rules = {"email": email_problems}

    email: Email
    role: Role


class MemberUpdate(Input):
    """What to change of a member."""

    rules = {"email": email_problems}

    role: Role | UnsetType = UNSET
    email: Email | UnsetType = UNSET


class MemberOut(Output):
    """A member of the workspace; `invited` until the invitation is taken up."""

    id: Id
    email: Email
    name: str | None
    role: Role
    status: UserStatus
    workspace_id: Id
    created_at: Timestamp


class InvitedOut(MemberOut):
    """A member just invited, with the token of the invitation."""

    invite_token: InviteToken
    invite_expires_at: Timestamp | None


class MemberController(Controller):
    """Members and invitations."""

    path = "/members"
    tags = ("members",)

    @get(opt=requires(Permission.MEMBERS_READ), summary="List members")
    async def page(
        self, request: ActorRequest, core: NamedDependency[Orbiter], pages: NamedDependency[Pages]
    ) -> PageOut[MemberOut]:
        """Return the workspace's members, invited ones too."""
        return pages.show(await core.members.page(request.user, pages.wanted), MemberOut)

    @post(opt=requires(Permission.MEMBERS_WRITE), summary="Invite a member")
    async def invite(
        self, request: ActorRequest, core: NamedDependency[Orbiter], data: JSONBody[NewMember]
    ) -> Response[InvitedOut]:
        """Invite somebody; the token is mailed, and shown this once."""
        invitation = await core.members.invite(request.user, **data.given())
        out = InvitedOut.of(invitation.user, invite_token=invitation.invite_token)
        return created(out, f"/members/{invitation.user.id}")

    @get("/{member_id:str}", opt=requires(Permission.MEMBERS_READ), summary="Get a member")
    async def show(
        self, request: ActorRequest, core: NamedDependency[Orbiter], member_id: FromPath[str]
    ) -> MemberOut:
        """Return one member."""
        return MemberOut.of(await core.members.get(request.user, member_id))

    @put(
        "/{member_id:str}",
        opt=requires(Permission.MEMBERS_WRITE, **about("users")),
        summary="Update a member",
    )
    async def revise(
        self,
        request: ActorRequest,
        core: NamedDependency[Orbiter],
        member_id: FromPath[str],
        data: JSONBody[MemberUpdate],
    ) -> MemberOut:
        """Change a member's role; 409 for the last admin's."""
        return MemberOut.of(await core.members.revise(request.user, member_id, **data.given()))

    @delete("/{member_id:str}", opt=requires(Permission.MEMBERS_WRITE), summary="Remove a member")
    async def remove(
        self, request: ActorRequest, core: NamedDependency[Orbiter], member_id: FromPath[str]
    ) -> None:
        """Remove a member, whose sessions and keys end; 409 for the last admin."""
        await core.members.remove(request.user, member_id)
