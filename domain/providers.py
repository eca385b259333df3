"""Providers: whose models are called, and with which key."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Final, TypedDict, Unpack
from urllib.parse import urlsplit

from orbiter.domain.checks import number_problems, require, text_problems
from orbiter.domain.errors import FieldProblem

NAME_MAX: Final = 64
KEY_MAX: Final = 4096
URL_MAX: Final = 2048
MODEL_MAX: Final = 255
MODELS_MAX: Final = 500
RETRIES_MAX: Final = 10
TIMEOUT_MIN: Final = 0.001
TIMEOUT_MAX: Final = 600
PRIORITY_MAX: Final = 1_000_000
ERROR_MAX: Final = 1000

_HINTED_MIN: Final = 12  # of a shorter key, four characters are too much to show
_HINT: Final = 4


class ProviderType(StrEnum):
    """Whose wire format is spoken; the last one needs neither key nor network."""

    OPENAI = "openai"
    ANTHROPIC = "anthropic"
    GEMINI = "gemini"
    AZURE_OPENAI = "azure_openai"
    MISTRAL = "mistral"
    GROQ = "groq"
    OPENROUTER = "openrouter"
    OLLAMA = "ollama"
    OPENAI_COMPATIBLE = "openai_compatible"
    ECHO = "echo"


class ProviderStatus(StrEnum):
    """How the last test went."""

    UNTESTED = "untested"
    CONNECTED = "connected"
    ERROR = "error"


# Where a provider is that says nothing of its own: what runs on the same machine.
DEFAULT_URLS: Final[Mapping[ProviderType, str]] = {ProviderType.OLLAMA: "http://127.0.0.1:11434"}
_WITHOUT_A_URL_NOWHERE: Final = frozenset(
    {ProviderType.AZURE_OPENAI, ProviderType.OPENAI_COMPATIBLE}
)


class ProviderSettings(TypedDict, total=False):
    """What a provider is set to beside its name, its type and its key."""

    base_url: str | None
    default_model: str | None
    models: Sequence[str]
    max_retries: int
    timeout_seconds: float
    priority: int
    enabled: bool


class ProviderChanges(ProviderSettings, total=False):
    """Fields a caller may revise; an absent key means leave it alone."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """A vendor's access: its key is sealed, of which *api_key_hint* shows the end.

    No *base_url* means the vendor's own. Of several enabled ones of a type, that of the lowest
    *priority* is called first; *default_model* is what calls mean that name no model. *status* and
    *last_error* say how the last test went; they start anew when another address or key makes it
    worthless.
    """

    id: str
    workspace_id: str
    name: str
    provider_type: ProviderType
    base_url: str | None = None
    default_model: str | None = None
    models: Sequence[str] = ()
    max_retries: int = 3
    timeout_seconds: float = 30
    priority: int = 0
    enabled: bool = True
    sealed_key: bytes | None = field(default=None, repr=False)
    api_key_hint: str | None = None
    status: ProviderStatus = ProviderStatus.UNTESTED
    last_tested_at: datetime | None = None
    last_error: str | None = None
    created_by: str
    created_at: datetime
    updated_at: datetime

    def __post_init__(self) -> None:
        object.__setattr__(self, "models", tuple(self.models))
        if self.base_url is None:
            object.__setattr__(self, "base_url", DEFAULT_URLS.get(self.provider_type))
        require(
            name_problems(self.name),
            self._problems_of_the_type(),
            url_problems(self.base_url),
            text_problems("default_model", self.default_model, minimum=1, maximum=MODEL_MAX),
            models_problems(self.models),
            number_problems("max_retries", self.max_retries, minimum=0, maximum=RETRIES_MAX),
            number_problems(
                "timeout_seconds", self.timeout_seconds, minimum=TIMEOUT_MIN, maximum=TIMEOUT_MAX
            ),
            number_problems("priority", self.priority, minimum=-PRIORITY_MAX, maximum=PRIORITY_MAX),
        )
        if self.timeout_seconds == (whole := int(self.timeout_seconds)):
            # Storage gives 30.0 for 30, which readers of whole seconds can't take.
            object.__setattr__(self, "timeout_seconds", whole)

    @property
    def api_key_set(self) -> bool:
        """Say whether there is a key."""
        return self.sealed_key is not None

    def revise(self, *, at: datetime, **changes: Unpack[ProviderChanges]) -> "Provider":
        """Return the provider with *changes* applied; its key does not follow to another address.

        Whoever may change the address could otherwise have the key sent to a server of theirs.
        """
        revised = replace(self, updated_at=at, **changes)
        return revised if revised.base_url == self.base_url else revised.take_key(None, None)

    def take_key(self, sealed: bytes | None, hint: str | None) -> "Provider":
        """Return the provider with another key, or with none."""
        return replace(
            self,
            sealed_key=sealed,
            api_key_hint=hint,
            status=ProviderStatus.UNTESTED,
            last_tested_at=None,
            last_error=None,
        )

    def tested(self, *, at: datetime, error: str | None) -> "Provider":
        """Note how a test went; *error* is None when the vendor answered."""
        return replace(
            self,
            status=ProviderStatus.CONNECTED if error is None else ProviderStatus.ERROR,
            last_tested_at=at,
            last_error=None if error is None else error[:ERROR_MAX],
        )

    def is_reached_as(self, other: "Provider") -> bool:
        """Say whether both have the same address and key: a test of the one is one of the other."""
        return (self.base_url, self.sealed_key) == (other.base_url, other.sealed_key)

    def _problems_of_the_type(self) -> Iterator[FieldProblem]:
        if self.name in set(ProviderType) - {self.provider_type}:
            yield FieldProblem("name", f"{self.name} is the name of another provider_type")
        if self.base_url is None and self.provider_type in _WITHOUT_A_URL_NOWHERE:
            message = f"A provider of type {self.provider_type} needs a base_url"
            yield FieldProblem("base_url", message)


def name_problems(name: str) -> Iterator[FieldProblem]:
    """Yield what is wrong with a provider's name: models are called `<name>:<model>`."""
    yield from text_problems("name", name, minimum=1, maximum=NAME_MAX)
    if ":" in name:
        yield FieldProblem("name", "A colon would end the name in <name>:<model>")


def url_problems(url: str | None) -> Iterator[FieldProblem]:
    """Yield what is wrong with a base URL; it is shown to everybody, so it holds no secret."""
    if url is None:
        return
    yield from text_problems("base_url", url, minimum=1, maximum=URL_MAX)
    if not url.isascii() or not url.isprintable() or not set(url).isdisjoint(' \\"<>^`{|}'):
        yield FieldProblem("base_url", "URL should hold no character that must be escaped")
        return
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        yield FieldProblem("base_url", "URL should have a valid host and port")
        return
    if parts.scheme not in ("http", "https") or not host:
        yield FieldProblem("base_url", "URL should be like https://host/path")
    elif "@" in parts.netloc or not set(url).isdisjoint("?#"):
        message = "URL should have neither credentials nor a query nor a fragment"
        yield FieldProblem("base_url", message)


def models_problems(models: Sequence[str]) -> Iterator[FieldProblem]:
    """Yield what is wrong with the names of the models on offer."""
    if len(models) > MODELS_MAX:
        message = f"List should have at most {MODELS_MAX} items after validation, not {len(models)}"
        yield FieldProblem("models", message, "too_long")
    for place, model in enumerate(models[:MODELS_MAX]):
        yield from text_problems(f"models.{place}", model, minimum=1, maximum=MODEL_MAX)


def key_problems(key: str | None) -> Iterator[FieldProblem]:
    """Yield what is wrong with a key, without showing it: it goes into a header as it is."""
    if key is None:
        return
    yield from text_problems("api_key", key, minimum=1, maximum=KEY_MAX)
    if not key.isascii() or not key.isprintable() or " " in key:
        yield FieldProblem("api_key", "A key is printable ASCII without spaces")


def hint_of(key: str) -> str | None:
    """Return what of a key may be shown, to tell it from others: `…abcd`."""
    return f"…{key[-_HINT:]}" if len(key) >= _HINTED_MIN else None
