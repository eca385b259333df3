"""/api/v1/secrets: values that templates may use and nobody may read again."""

from typing import Annotated

from litestar import Controller, Response, delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import UNSET, Meta, UnsetType

from orbiter.adapters.http.access import ActorRequest, requires
from orbiter.adapters.http.answers import created
from orbiter.adapters.http.bodies import about
from orbiter.adapters.http.paging import PageOut, Pages
from orbiter.adapters.http.parameters import text
from orbiter.adapters.http.providers import Secretive
from orbiter.adapters.http.wire import Id, Output, Timestamp
from orbiter.application.facade import Orbiter
from orbiter.application.ports.secrets import SecretFilter
from orbiter.domain.identity import Permission
from orbiter.domain.secrets import (
    NAME_MAX,
    NAME_PATTERN,
    VALUE_MAX,
    VALUE_MIN,
    name_problems,
    value_problems,
)

Name = Annotated[
    str,
    Meta(
        description="What templates call it: `{{ secrets.NAME }}`.",
        examples=["CRM_TOKEN"],
        extra_json_schema={"pattern": NAME_PATTERN, "maxLength": NAME_MAX},
    ),
]
Value = Annotated[
    str,
    Meta(
        description="Kept sealed and never shown. A shorter one would be hidden wherever its "
        "letters stand.",
        examples=["crm-live-8Jm3xv0bUq2s4kQx"],
        extra_json_schema={"minLength": VALUE_MIN, "maxLength": VALUE_MAX},
    ),
]
_RULES = {"name": name_problems, "value": value_problems}


class NewSecret(Secretive):
    """A secret to keep, for a project or, without one, for the whole workspace."""

    rules = _RULES
    references = {"project_id": "projects"}

    name: Name
    value: Value
    project_id: Id | None = None


class SecretUpdate(Secretive):
    """What to change of a secret; absent keeps."""

    rules = _RULES

    name: Name | UnsetType = UNSET
    value: Value | UnsetType = UNSET


class SecretOut(Output):
    """A secret without its value."""

    id: Id
    name: Name
    project_id: Id | None
    created_by: Id
    created_at: Timestamp
    updated_at: Timestamp


class SecretController(Controller):
    """CRUD over secrets."""

    path = "/secrets"
    tags = ("secrets",)

    @get(opt=requires(Permission.SECRETS_READ), summary="List secrets")
    async def page(
        self,
        request: ActorRequest,
        core: NamedDependency[Orbiter],
        pages: NamedDependency[Pages],
        project_id: FromQuery[str | None] = None,
    ) -> PageOut[SecretOut]:
        """Return the workspace's secrets without their values, newest first."""
        only = SecretFilter(project_id=text(project_id))
        return pages.show(await core.secrets.page(request.user, pages.wanted, only), SecretOut)

    @post(opt=requires(Permission.SECRETS_WRITE), summary="Create a secret")
    async def create(
        self, request: ActorRequest, core: NamedDependency[Orbiter], data: JSONBody[NewSecret]
    ) -> Response[SecretOut]:
        """Keep a value, which no answer shows again.

        A project's secret wins over the workspace's of the same name. What leaves Orbiter shows
        `***` in its place: traces, logs, errors, exports. 409 when there is one of that name, or
        500 of any.
        """
        secret = await core.secrets.create(request.user, **data.given())
        return created(SecretOut.of(secret), f"/secrets/{secret.id}")

    @get("/{secret_id:str}", opt=requires(Permission.SECRETS_READ), summary="Get a secret")
    async def show(
        self, request: ActorRequest, core: NamedDependency[Orbiter], secret_id: FromPath[str]
    ) -> SecretOut:
        """Return one secret, without its value."""
        return SecretOut.of(await core.secrets.get(request.user, secret_id))

    @put(
        "/{secret_id:str}",
        opt=requires(Permission.SECRETS_WRITE, **about("secrets")),
        summary="Update a secret",
    )
    async def revise(
        self,
        request: ActorRequest,
        core: NamedDependency[Orbiter],
        secret_id: FromPath[str],
        data: JSONBody[SecretUpdate],
    ) -> SecretOut:
        """Change the value or the name; runs that have begun may still use the old ones.

        409 when there is one of that name.
        """
        revised = await core.secrets.revise(request.user, secret_id, **data.given())
        return SecretOut.of(revised)

    @delete("/{secret_id:str}", opt=requires(Permission.SECRETS_WRITE), summary="Delete a secret")
    async def remove(
        self, request: ActorRequest, core: NamedDependency[Orbiter], secret_id: FromPath[str]
    ) -> None:
        """Delete a secret; what needs it fails from now on."""
        await core.secrets.remove(request.user, secret_id)
