"""/api/v1/api-keys: programs' credentials."""

from datetime import datetime
from typing import Annotated

from litestar import Controller, Response, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from orbiter.adapters.http.access import ActorRequest, requires
from orbiter.adapters.http.answers import created
from orbiter.adapters.http.paging import PageOut, Pages
from orbiter.adapters.http.wire import Id, Input, Output, Timestamp
from orbiter.application.facade import Orbiter
from orbiter.domain.api_keys import NAME_MAX
from orbiter.domain.identity import Permission, Scope

Name = Annotated[str, Meta(min_length=1, max_length=NAME_MAX, examples=["GitHub Actions"])]
Scopes = Annotated[
    list[Scope],
    Meta(
        min_length=1,
        max_length=len(Scope),
        description="`ci` opens /ci/*; `read`, `write`, `run` open the rest, within the role.",
    ),
]
Expiry = Annotated[datetime, Meta(tz=True, examples=["2027-01-01T00:00:00Z"])]
Key = Annotated[str, Meta(description="Shown this once.", examples=["orb_4fT…"])]


class NewKey(Input):
    """A key to create; its scope is `ci` by default."""

    name: Name
    scopes: Scopes | None = None
    expires_at: Expiry | None = None


class ApiKeyOut(Output):
    """A key, recognised by its *prefix*; the key itself is kept nowhere."""

    id: Id
    name: str
    prefix: str
    scopes: list[Scope]
    created_by: Id
    created_at: Timestamp
    expires_at: Timestamp | None
    last_used_at: Timestamp | None


class NewKeyOut(ApiKeyOut):
    """A key just made."""

    key: Key


class ApiKeyController(Controller):
    """The user's keys; an admin's view holds everybody's."""

    path = "/api-keys"
    tags = ("api-keys",)

    @get(opt=requires(Permission.API_KEYS_READ), summary="List API keys")
    async def page(
        self, request: ActorRequest, core: NamedDependency[Orbiter], pages: NamedDependency[Pages]
    ) -> PageOut[ApiKeyOut]:
        """Return the own keys; an admin sees the workspace's."""
        return pages.show(await core.api_keys.page(request.user, pages.wanted), ApiKeyOut)

    @post(opt=requires(Permission.API_KEYS_WRITE), summary="Create an API key")
    async def create(
        self, request: ActorRequest, core: NamedDependency[Orbiter], data: JSONBody[NewKey]
    ) -> Response[NewKeyOut]:
        """Make a key; it is shown in this answer and never again."""
        made = await core.api_keys.create(request.user, **data.given())
        return created(NewKeyOut.of(made.api_key, key=made.key), f"/api-keys/{made.api_key.id}")

    @get("/{api_key_id:str}", opt=requires(Permission.API_KEYS_READ), summary="Get an API key")
    async def show(
        self, request: ActorRequest, core: NamedDependency[Orbiter], api_key_id: FromPath[str]
    ) -> ApiKeyOut:
        """Return one key, without its secret."""
        return ApiKeyOut.of(await core.api_keys.get(request.user, api_key_id))

    @delete(
        "/{api_key_id:str}", opt=requires(Permission.API_KEYS_WRITE), summary="Revoke an API key"
    )
    async def remove(
        self, request: ActorRequest, core: NamedDependency[Orbiter], api_key_id: FromPath[str]
    ) -> None:
        """Revoke a key at once."""
        await core.api_keys.remove(request.user, api_key_id)
