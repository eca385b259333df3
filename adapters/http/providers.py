"""/api/v1/providers: whose models are called, and with which key."""

from typing import Annotated

from litestar import Controller, Response, delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import UNSET, Meta, UnsetType

from orbiter.adapters.http.access import ActorRequest, requires
from orbiter.adapters.http.answers import created
from orbiter.adapters.http.bodies import about
from orbiter.adapters.http.paging import PageOut, Pages
from orbiter.adapters.http.wire import Id, Input, Output, Timestamp
from orbiter.application.facade import Orbiter
from orbiter.domain.identity import Permission
from orbiter.domain.providers import (
    KEY_MAX,
    MODEL_MAX,
    MODELS_MAX,
    NAME_MAX,
    PRIORITY_MAX,
    RETRIES_MAX,
    TIMEOUT_MAX,
    TIMEOUT_MIN,
    URL_MAX,
    ProviderStatus,
    ProviderType,
    key_problems,
    name_problems,
    url_problems,
)

Name = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=NAME_MAX,
        description="Unique in the workspace, without a colon: models are called `<name>:<model>`.",
        examples=["openai-eu"],
    ),
]
BaseUrl = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=URL_MAX,
        description="Where the vendor's API begins; null for the vendor's own address.",
        examples=["https://eu.api.openai.com/v1"],
    ),
]
Key = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=KEY_MAX,
        description="Kept sealed and never shown.",
        examples=["sk-proj-4fTq9sLx8Jm3xv0bUq2s"],
    ),
]
Hint = Annotated[str, Meta(description="The end of a long key.", examples=["…Uq2s"])]
Model = Annotated[str, Meta(min_length=1, max_length=MODEL_MAX, examples=["gpt-4o"])]
DefaultModel = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=MODEL_MAX,
        description="By the vendor's own name. It is called where neither an agent or node nor its "
        "project names a model; of several providers' that of the lowest `priority`.",
        examples=["gpt-4o"],
    ),
]
Offered = Annotated[
    list[Model],
    Meta(
        max_length=MODELS_MAX,
        description="Names of models to choose from; others work, too.",
        examples=[["gpt-4o", "gpt-4o-mini"]],
    ),
]
Retries = Annotated[
    int,
    Meta(ge=0, le=RETRIES_MAX, description="Further tries of a call that failed for a moment."),
]
Timeout = Annotated[
    float,
    Meta(
        ge=TIMEOUT_MIN,
        le=TIMEOUT_MAX,
        description="How long an answer is waited for, or a streamed one's next piece.",
        examples=[30],
    ),
]
Priority = Annotated[
    int,
    Meta(
        ge=-PRIORITY_MAX,
        le=PRIORITY_MAX,
        description="Of the enabled providers of a type, the lowest is called first.",
    ),
]
_RULES = {"name": name_problems, "base_url": url_problems, "api_key": key_problems}


class Secretive(Input):
    """A body with a key in it, which it does not show when it is printed."""

    def __repr__(self) -> str:
        return type(self).__name__


class NewProvider(Secretive):
    """A provider to add."""

    rules = _RULES

    name: Name
    provider_type: ProviderType
    api_key: Key | None = None
    base_url: BaseUrl | None = None
    default_model: DefaultModel | None = None
    models: Offered = []
    max_retries: Retries = 3
    timeout_seconds: Timeout = 30
    priority: Priority = 0
    enabled: bool = True


class ProviderUpdate(Secretive):
    """What to change of a provider; null clears, absent keeps."""

    rules = _RULES

    name: Name | UnsetType = UNSET
    api_key: Key | None | UnsetType = UNSET
    base_url: BaseUrl | None | UnsetType = UNSET
    default_model: DefaultModel | None | UnsetType = UNSET
    models: Offered | UnsetType = UNSET
    max_retries: Retries | UnsetType = UNSET
    timeout_seconds: Timeout | UnsetType = UNSET
    priority: Priority | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET


class ProviderOut(Output):
    """A provider without its key; *status* and *last_error* say how the last test went."""

    id: Id
    name: Name
    provider_type: ProviderType
    base_url: BaseUrl | None
    default_model: DefaultModel | None
    models: Offered
    max_retries: Retries
    timeout_seconds: Timeout
    priority: Priority
    enabled: bool
    api_key_set: bool
    api_key_hint: Hint | None
    status: ProviderStatus
    last_tested_at: Timestamp | None
    last_error: str | None
    created_by: Id
    created_at: Timestamp
    updated_at: Timestamp


class ProviderTestOut(Output):
    """What came of asking the vendor for its models."""

    success: bool
    latency_ms: int
    models: list[Model]
    error: str | None


class OfferedModelsOut(Output):
    """The models on offer, by the vendor's own names."""

    models: list[Model]


class ProviderController(Controller):
    """CRUD over providers, and asking whether they answer."""

    path = "/providers"
    tags = ("providers",)

    @get(opt=requires(Permission.PROVIDERS_READ), summary="List configured providers")
    async def page(
        self, request: ActorRequest, core: NamedDependency[Orbiter], pages: NamedDependency[Pages]
    ) -> PageOut[ProviderOut]:
        """Return the workspace's providers, newest first, without their keys."""
        return pages.show(await core.providers.page(request.user, pages.wanted), ProviderOut)

    @post(opt=requires(Permission.PROVIDERS_WRITE), summary="Add a provider")
    async def create(
        self, request: ActorRequest, core: NamedDependency[Orbiter], data: JSONBody[NewProvider]
    ) -> Response[ProviderOut]:
        """Add a vendor's access; for admins only.

        Its models are called `<name>:<model>`, or `<provider_type>:<model>`: then the enabled
        providers of the type form a pool. The types `azure_openai` and `openai_compatible` need a
        `base_url`; `ollama` has `http://127.0.0.1:11434` by default. 409 when the name is used.
        """
        provider = await core.providers.create(request.user, **data.given())
        return created(ProviderOut.of(provider), f"/providers/{provider.id}")

    @get("/{provider_id:str}", opt=requires(Permission.PROVIDERS_READ), summary="Get a provider")
    async def show(
        self, request: ActorRequest, core: NamedDependency[Orbiter], provider_id: FromPath[str]
    ) -> ProviderOut:
        """Return one provider, without its key."""
        return ProviderOut.of(await core.providers.get(request.user, provider_id))

    @put(
        "/{provider_id:str}",
        opt=requires(Permission.PROVIDERS_WRITE, **about("providers")),
        summary="Update provider",
    )
    async def revise(
        self,
        request: ActorRequest,
        core: NamedDependency[Orbiter],
        provider_id: FromPath[str],
        data: JSONBody[ProviderUpdate],
    ) -> ProviderOut:
        """Change the fields given, keep the rest; for admins only.

        Another `base_url` without the `api_key` drops the key, so that it goes to nobody it was
        not meant for; `api_key` null takes it away. 409 when the name is used.
        """
        revised = await core.providers.revise(request.user, provider_id, **data.given())
        return ProviderOut.of(revised)

    @delete(
        "/{provider_id:str}", opt=requires(Permission.PROVIDERS_WRITE), summary="Delete provider"
    )
    async def remove(
        self, request: ActorRequest, core: NamedDependency[Orbiter], provider_id: FromPath[str]
    ) -> None:
        """Delete a provider with its key; runs that call it fail with `PROVIDER_NOT_FOUND`."""
        await core.providers.remove(request.user, provider_id)

    @post(
        "/{provider_id:str}/test",
        opt=requires(Permission.PROVIDERS_WRITE),
        status_code=200,
        summary="Test provider connectivity",
    )
    async def test(
        self, request: ActorRequest, core: NamedDependency[Orbiter], provider_id: FromPath[str]
    ) -> ProviderTestOut:
        """Ask the vendor for its models, with the key, for at most 30 seconds; for admins only.

        A vendor that does not answer is no error here: `success` is false and `error` says why.
        `status`, `last_tested_at` and `last_error` of the provider follow.
        """
        return ProviderTestOut.of(await core.providers.test(request.user, provider_id))

    @get(
        "/{provider_id:str}/models",
        opt=requires(Permission.PROVIDERS_READ),
        summary="List a provider's models",
    )
    async def models(
        self, request: ActorRequest, core: NamedDependency[Orbiter], provider_id: FromPath[str]
    ) -> OfferedModelsOut:
        """Ask the vendor which models it has, for at most 30 seconds; 503 when it fails."""
        models = await core.providers.models(request.user, provider_id)
        return OfferedModelsOut(models=list(models))
