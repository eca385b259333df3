"""/api/v1/hooks: addresses that start a workflow when something is posted to them."""

from typing import Annotated

from litestar import Controller, Response, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, PathParameter
from msgspec import Meta

from orbiter.adapters.http.access import ALSO, ActorRequest, public, requires
from orbiter.adapters.http.answers import created
from orbiter.adapters.http.bodies import AnyRequest, body_of
from orbiter.adapters.http.hook_calls import SIGNATURE, TIMESTAMP, CallOperation, inputs_of
from orbiter.adapters.http.idempotency import PER_PATH
from orbiter.adapters.http.paging import PageOut, Pages
from orbiter.adapters.http.parameters import text
from orbiter.adapters.http.rate_limits import RateLimits
from orbiter.adapters.http.runs import RunOut, answered
from orbiter.adapters.http.wire import Id, Input, Output, Timestamp
from orbiter.application.facade import Orbiter
from orbiter.application.ports.triggers import TriggerFilter
from orbiter.domain.hooks import NAME_MAX, SECRET_MAX
from orbiter.domain.identity import Permission

Name = Annotated[str, Meta(min_length=1, max_length=NAME_MAX, examples=["New orders"])]
Secret = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=SECRET_MAX,
        description="What calls must be signed with; never shown.",
        examples=["correct-horse-battery-staple"],
    ),
]
Url = Annotated[
    str,
    Meta(
        description="Where to post to. It holds the token and is shown this once.",
        examples=["https://orbiter.example.org/api/v1/hooks/8Jm3xv0bUq2s4kQxYtWc1nR7pEoLhZ5a"],
    ),
]
Token = Annotated[str, PathParameter(description="The token of the hook, from its `url`.")]


class NewHook(Input):
    """A hook to create."""

    references = {"workflow_id": "workflows"}

    workflow_id: Id
    name: Name
    secret: Secret | None = None


class HookOut(Output):
    """A hook; its token and its secret are not shown."""

    id: Id
    workflow_id: Id
    name: Name
    secret_set: bool
    created_by: Id
    created_at: Timestamp
    last_called_at: Timestamp | None


class NewHookOut(HookOut):
    """A hook just made."""

    url: Url


class HookController(Controller):
    """Managing hooks, and being called."""

    path = "/hooks"
    tags = ("hooks",)

    @get(opt=requires(Permission.HOOKS_READ), summary="List webhook triggers")
    async def page(
        self,
        request: ActorRequest,
        core: NamedDependency[Orbiter],
        pages: NamedDependency[Pages],
        workflow_id: FromQuery[str | None] = None,
    ) -> PageOut[HookOut]:
        """Return the workspace's hooks, newest first."""
        only = TriggerFilter(workflow_id=text(workflow_id))
        return pages.show(await core.hooks.page(request.user, pages.wanted, only), HookOut)

    @post(
        opt=requires(Permission.HOOKS_WRITE, **{ALSO: (Permission.WORKFLOWS_RUN,)}),
        summary="Create a webhook trigger",
    )
    async def create(
        self, request: ActorRequest, core: NamedDependency[Orbiter], data: JSONBody[NewHook]
    ) -> Response[NewHookOut]:
        """Make an address that starts a workflow; it is shown in this answer and never again.

        An API key needs the scope `run`, too.
        """
        made = await core.hooks.create(request.user, **data.given())
        return created(NewHookOut.of(made.hook, url=made.url), f"/hooks/{made.hook.id}")

    @get("/{hook_id:str}", opt=requires(Permission.HOOKS_READ), summary="Get a webhook trigger")
    async def show(
        self, request: ActorRequest, core: NamedDependency[Orbiter], hook_id: FromPath[str]
    ) -> HookOut:
        """Return one hook, without its token."""
        return HookOut.of(await core.hooks.get(request.user, hook_id))

    @delete(
        "/{hook_id:str}", opt=requires(Permission.HOOKS_WRITE), summary="Delete a webhook trigger"
    )
    async def remove(
        self, request: ActorRequest, core: NamedDependency[Orbiter], hook_id: FromPath[str]
    ) -> None:
        """Delete a hook; its address answers 404 at once."""
        await core.hooks.remove(request.user, hook_id)

    @post(
        "/{hook_id:str}",
        opt=public(rate="api", **{PER_PATH: True}),
        status_code=202,
        summary="Call a webhook trigger",
        operation_class=CallOperation,
    )
    async def call(
        self,
        request: AnyRequest,
        core: NamedDependency[Orbiter],
        limits: NamedDependency[RateLimits],
        hook_id: Token,
    ) -> Response[RunOut]:
        """Start the hook's workflow with `{body, headers, query}` as its inputs.

        JSON is decoded, other text is kept; no header that looks like a credential is passed on.
        Where the hook has a secret, `X-Orbiter-Timestamp` (seconds since 1970, at most five minutes
        off) and `X-Orbiter-Signature`, `sha256=<hex HMAC of "<timestamp>.<body>">`, are demanded:
        401. 400 for a body that is neither JSON nor text, 404 for an unknown token, 413 for a body
        that is too large, 422 for a workflow that can't run with it.
        """
        hook = await core.hooks.by_token(hook_id)
        await limits.spend(request.scope, "run", hook.id)
        body = await body_of(request)
        core.hooks.require_signed(
            hook,
            body,
            timestamp=request.headers.get(TIMESTAMP, ""),
            signature=request.headers.get(SIGNATURE, ""),
        )
        return answered(await core.hooks.call(hook, inputs_of(request, body)))
