"""/api/v1/auth: registering, signing in and out, the own account and its password."""

from typing import Annotated, Any

from litestar import Controller, Request, Response, get, post, put
from litestar.di import NamedDependency
from litestar.params import JSONBody
from msgspec import UNSET, Meta, UnsetType

from orbiter.adapters.http.access import ActorRequest, address_of, public, requires
from orbiter.adapters.http.answers import created
from orbiter.adapters.http.cookies import set_cookie
from orbiter.adapters.http.rate_limits import RateLimits
from orbiter.adapters.http.wire import Id, Input, Output, Timestamp
from orbiter.application.facade import Orbiter
from orbiter.domain.identity import Permission, Role
from orbiter.domain.users import (
    NAME_MAX,
    PASSWORD_MAX,
    PASSWORD_MIN,
    email_problems,
    password_problems,
    same_email,
)

Email = Annotated[str, Meta(examples=["ada@example.org"])]
PersonName = Annotated[str, Meta(min_length=1, max_length=NAME_MAX, examples=["Ada"])]
# Its length is left to the core, which tells of it beside what else is wrong.
NewPassword = Annotated[
    str,
    Meta(
        extra_json_schema={"minLength": PASSWORD_MIN, "maxLength": PASSWORD_MAX},
        examples=["correct-horse-battery-staple"],
    ),
]
Secret = Annotated[str, Meta(max_length=1024)]
AnyRequest = Request[Any, Any, Any]


async def require_open(request: AnyRequest) -> None:
    """Raise Forbidden where nobody may register, before anything is said of a body."""
    await request.app.state.core.accounts.register.require_open()


class Registration(Input):
    """An account to create; an *invite_token* joins the workspace it was made for."""

    rules = {"email": email_problems, "password": password_problems}

    email: Email
    password: NewPassword
    name: PersonName | None = None
    invite_token: Secret | None = None


class Credentials(Input):
    """What somebody signs in with."""

    email: Annotated[str, Meta(max_length=1024, examples=["ada@example.org"])]
    password: Annotated[str, Meta(max_length=1024, examples=["correct-horse-battery-staple"])]


class AccountUpdate(Input):
    """What to change of the own account; a new e-mail needs the password."""

    rules = {"email": email_problems}

    name: PersonName | None | UnsetType = UNSET
    email: Email | UnsetType = UNSET
    current_password: Secret | UnsetType = UNSET


class PasswordChange(Input):
    """The old password and the new one."""

    rules = {"new_password": lambda value: password_problems(value, "new_password")}

    current_password: Secret
    new_password: NewPassword


class ForgottenPassword(Input):
    """Whose password was forgotten."""

    email: Annotated[str, Meta(max_length=1024, examples=["ada@example.org"])]


class PasswordReset(Input):
    """The token of the mail and a new password."""

    rules = {"new_password": lambda value: password_problems(value, "new_password")}

    token: Secret
    new_password: NewPassword


class UserOut(Output):
    """A user, as the user sees it."""

    id: Id
    email: Email
    name: str | None
    role: Role
    workspace_id: Id
    created_at: Timestamp


class CsrfOut(Output):
    """The token mutating requests send as `X-CSRF-Token`; bound to the session."""

    token: str


class AccountController(Controller):
    """The own account."""

    path = "/auth"
    tags = ("auth",)

    @post(
        "/register",
        opt=public(rate="register", first=require_open),
        summary="Create a new account",
    )
    async def register(
        self,
        request: AnyRequest,
        core: NamedDependency[Orbiter],
        limits: NamedDependency[RateLimits],
        data: JSONBody[Registration],
    ) -> Response[UserOut]:
        """Make a workspace, or join one by invitation.

        403 where registration is closed, 409 for a known e-mail.
        """
        await limits.spend(request.scope, "register_email", same_email(data.email))
        user = await core.accounts.register(**data.given(), address=address_of(request.scope))
        return created(UserOut.of(user), "/auth/me")

    @post(
        "/login",
        opt=public(rate="login", repeatable=False),
        status_code=200,
        summary="Log in with email and password",
    )
    async def login(
        self,
        request: AnyRequest,
        core: NamedDependency[Orbiter],
        limits: NamedDependency[RateLimits],
        data: JSONBody[Credentials],
    ) -> Response[UserOut]:
        """Begin a session, its token in a cookie; 401 for a wrong e-mail or password."""
        await limits.spend(request.scope, "login_email", same_email(data.email))
        signed_in = await core.accounts.login(
            email=data.email,
            password=data.password,
            address=address_of(request.scope),
            user_agent=request.headers.get("user-agent"),
        )
        headers = set_cookie(request, signed_in.token)
        return Response(UserOut.of(signed_in.user), headers=headers)

    @post(
        "/logout",
        opt=requires(Permission.ACCOUNT_WRITE, repeatable=False),
        status_code=204,
        summary="Log out",
    )
    async def logout(self, request: ActorRequest, core: NamedDependency[Orbiter]) -> Response[None]:
        """End the session on the server."""
        await core.accounts.logout(request.user)
        return Response(None, status_code=204, headers=set_cookie(request, "", max_age=0))

    @get("/me", opt=requires(Permission.ACCOUNT_READ), summary="Get current user")
    async def me(self, request: ActorRequest, core: NamedDependency[Orbiter]) -> UserOut:
        """Return who is signed in."""
        return UserOut.of(await core.accounts.me(request.user))

    @put("/me", opt=requires(Permission.ACCOUNT_WRITE), summary="Update the current user")
    async def update(
        self,
        request: ActorRequest,
        core: NamedDependency[Orbiter],
        limits: NamedDependency[RateLimits],
        data: JSONBody[AccountUpdate],
    ) -> UserOut:
        """Change the name or, with the password, the e-mail; 409 for a known e-mail."""
        if data.current_password is not UNSET:
            await limits.spend(request.scope, "login_email", request.user.user_id)
        return UserOut.of(await core.accounts.update(request.user, **data.given()))

    @get("/csrf", opt=requires(Permission.ACCOUNT_READ), summary="Get CSRF token")
    async def csrf(self, request: ActorRequest, core: NamedDependency[Orbiter]) -> CsrfOut:
        """Return the session's token for mutating requests."""
        return CsrfOut(token=core.sessions.csrf_token(request.user))

    @put(
        "/password",
        opt=requires(Permission.ACCOUNT_WRITE),
        status_code=204,
        summary="Change the password",
    )
    async def change_password(
        self,
        request: ActorRequest,
        core: NamedDependency[Orbiter],
        limits: NamedDependency[RateLimits],
        data: JSONBody[PasswordChange],
    ) -> None:
        """Change the own password; every other session ends."""
        await limits.spend(request.scope, "login_email", request.user.user_id)
        await core.accounts.change_password(request.user, **data.given())

    @post(
        "/forgot-password",
        opt=public(rate="login", repeatable=False),
        status_code=204,
        summary="Ask for a password reset",
    )
    async def forgot_password(
        self,
        request: AnyRequest,
        core: NamedDependency[Orbiter],
        limits: NamedDependency[RateLimits],
        data: JSONBody[ForgottenPassword],
    ) -> None:
        """Mail a link that resets the password; the answer tells nothing about the address."""
        await limits.spend(request.scope, "login_email", f"forgot {same_email(data.email)}")
        await core.accounts.forgot_password(email=data.email, address=address_of(request.scope))

    @post(
        "/reset-password",
        opt=public(rate="login", repeatable=False),
        status_code=204,
        summary="Reset the password",
    )
    async def reset_password(
        self, core: NamedDependency[Orbiter], data: JSONBody[PasswordReset]
    ) -> None:
        """Set a new password with the token of the mail; every session ends."""
        await core.accounts.reset_password(token=data.token, new_password=data.new_password)
