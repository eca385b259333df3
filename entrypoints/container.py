"""The composition root: the only file that knows every adapter.

SQL and HTTP, which take long to import, are imported when they are first asked for: a core in
memory needs neither.
"""

import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from dependency_injector import containers, providers

from orbiter.adapters.blobs.folder import FolderBlobs
from orbiter.adapters.durable.engine import DurableRunEngine
from orbiter.adapters.mcp.remote import ANSWER_BYTES, McpTools
from orbiter.adapters.memory.blobs import MemoryBlobs
from orbiter.adapters.memory.idempotency import MemoryIdempotencyStore
from orbiter.adapters.memory.mailer import MemoryMailer
from orbiter.adapters.memory.rate_limits import MemoryRateLimiter
from orbiter.adapters.memory.run_feed import MemoryRunFeed
from orbiter.adapters.memory.storage import MemoryStorage
from orbiter.adapters.models.gateway import VendorModels
from orbiter.adapters.notification.files import FileMailer
from orbiter.adapters.notification.smtp import SmtpMailer
from orbiter.adapters.openapi.reader import OpenApiDescriptions
from orbiter.adapters.outbound.client import GuardedHttpClient
from orbiter.adapters.outbound.search import EndpointSearch
from orbiter.adapters.prices.kept import KeptPrices
from orbiter.adapters.sandbox.monty import MontySandbox
from orbiter.adapters.security.encryption import FernetCipher
from orbiter.adapters.security.passwords import Argon2PasswordHasher
from orbiter.adapters.security.secret_key import load_secret_keys
from orbiter.adapters.security.tokens import SignedTokens
from orbiter.adapters.system.clock import SystemClock
from orbiter.adapters.system.cron import CronCalendar
from orbiter.adapters.system.ids import new_id
from orbiter.adapters.templating.json_schemas import JsonSchemas
from orbiter.adapters.templating.minijinja import MinijinjaTemplates
from orbiter.application.artifacts import Artifacts
from orbiter.application.catalogue import StoredCatalogue
from orbiter.application.execution.executor import Executor
from orbiter.application.execution.limits import Limits
from orbiter.application.execution.world import World
from orbiter.application.facade import Orbiter
from orbiter.application.models import Models
from orbiter.application.notifications import StoredNotices
from orbiter.application.ports.blobs import Blobs
from orbiter.application.ports.idempotency import IdempotencyStore
from orbiter.application.ports.identity import RateLimiter
from orbiter.application.ports.storage import Storage
from orbiter.application.ports.system import Clock, Mailer
from orbiter.application.prices import WorkspacePrices
from orbiter.application.run_endings import RunEndings
from orbiter.application.run_events import Chronicle
from orbiter.application.sealing import Seals
from orbiter.application.tool_uses import ToolUses
from orbiter.application.vault import Vault
from orbiter.entrypoints.settings import Settings

if TYPE_CHECKING:
    import httpx2
    from litestar.types import ASGIApp

    from orbiter.adapters.sql.database import Database

# Where an Ollama of this machine listens: providers may reach it, nodes and tools may not.
OLLAMA: Final = "127.0.0.1:11434, [::1]:11434"
SENDER: Final = "orbiter@localhost"


def _mailer(settings: Settings, clock: Clock) -> Mailer:
    sender = settings.mail_from or SENDER
    if settings.smtp_url:
        return SmtpMailer(settings.smtp_url, sender=sender, clock=clock)
    return FileMailer(settings.data_dir / "mails", sender=sender, clock=clock)


def _database(url: str) -> "Database":
    from orbiter.adapters.sql.database import Database

    return Database.connect(url)


def _blobs(settings: Settings, database: "Database") -> Blobs:
    from orbiter.adapters.sql.blobs import SqlBlobs
    from orbiter.adapters.sql.database import location

    place = location(settings.storage_url)
    if isinstance(place, Path):
        # Named for the file, whose rows name them: another database has others.
        return FolderBlobs(place.with_name(f"{place.name}-blobs"))
    return SqlBlobs(database)


def _beside(settings: Settings, blobs: Blobs) -> Blobs | None:
    # What is in the database anyway is written in the transaction of the rows that name it.
    return None if settings.is_shared else blobs


def _storage(database: "Database", beside: Blobs | None) -> Storage:
    from orbiter.adapters.sql.storage import SqlStorage

    return SqlStorage(database, beside)


def _idempotency(database: "Database") -> IdempotencyStore:
    from orbiter.adapters.sql.idempotency import SqlIdempotencyStore

    return SqlIdempotencyStore(database)


def _limiter(settings: Settings, database: "Database") -> RateLimiter:
    if not settings.is_shared:
        # SQLite is for one process, whose memory is as good and faster.
        return MemoryRateLimiter()
    from orbiter.adapters.sql.rate_limits import SqlRateLimiter

    return SqlRateLimiter(database)


def _search_client(settings: Settings) -> GuardedHttpClient:
    # The operator's own search engine may be anywhere: tools reach it by this client alone.
    allowed = settings.egress_allow
    if settings.search_url:
        place = urlsplit(settings.search_url)
        port = place.port or (443 if place.scheme == "https" else 80)
        host = f"[{place.hostname}]" if ":" in (place.hostname or "") else place.hostname
        allowed = allowed.plus(f"{host}:{port}")
    return GuardedHttpClient(allowed)


def _gateway(settings: Settings) -> VendorModels:
    def connect() -> "httpx2.AsyncClient":
        from orbiter.adapters.outbound.transport import guarded_client

        return guarded_client(settings.egress_allow.plus(OLLAMA))

    return VendorModels(connect)


def _remote_tools(settings: Settings) -> McpTools:
    def connect() -> "httpx2.AsyncClient":
        from orbiter.adapters.outbound.transport import guarded_client

        return guarded_client(settings.egress_allow, max_answer_bytes=ANSWER_BYTES)

    return McpTools(connect)


def _app(core: Orbiter, settings: Settings, **ports: Any) -> "ASGIApp":
    from orbiter.adapters.http.app import HttpSettings, create_app

    chosen = HttpSettings(
        rates=settings.rate_limits,
        cors_origins=settings.cors_origins,
        trusted_proxies=settings.trusted_proxies,
    )
    return create_app(core, settings=chosen, **ports)


class Container(containers.DeclarativeContainer):
    """Settings in, one core and one app out."""

    settings: providers.Provider[Settings] = providers.Dependency(instance_of=Settings)

    clock = providers.Singleton(SystemClock)
    secret_keys = providers.Singleton(
        load_secret_keys, settings.provided.secret_key, settings.provided.data_dir
    )
    tokens = providers.Singleton(SignedTokens, secret_keys)
    cipher = providers.Singleton(FernetCipher, secret_keys)
    seals = providers.Singleton(Seals, cipher)
    passwords = providers.Singleton(Argon2PasswordHasher)
    mailer = providers.Singleton(_mailer, settings, clock)

    database = providers.Singleton(_database, settings.provided.storage_url)
    blobs: providers.Provider[Blobs] = providers.Singleton(_blobs, settings, database)
    beside: providers.Provider[Blobs | None] = providers.Callable(_beside, settings, blobs)
    storage: providers.Provider[Storage] = providers.Singleton(_storage, database, beside)
    idempotency: providers.Provider[IdempotencyStore] = providers.Singleton(_idempotency, database)
    limiter: providers.Provider[RateLimiter] = providers.Singleton(_limiter, settings, database)

    schemas = providers.Singleton(JsonSchemas)
    http_client = providers.Singleton(GuardedHttpClient, settings.provided.egress_allow)
    remote_tools = providers.Singleton(_remote_tools, settings)
    search_client = providers.Singleton(_search_client, settings)
    gateway = providers.Singleton(_gateway, settings)
    feed = providers.Singleton(MemoryRunFeed)
    prices = providers.Singleton(WorkspacePrices, storage, providers.Singleton(KeptPrices), clock)
    models = providers.Singleton(Models, storage, gateway, seals, prices, clock)
    sandbox = providers.Singleton(
        MontySandbox,
        seconds=settings.provided.sandbox_seconds,
        memory_mib=settings.provided.sandbox_memory_mib,
    )
    tool_uses = providers.Singleton(ToolUses, storage, clock)
    world = providers.Singleton(
        World,
        templates=providers.Singleton(MinijinjaTemplates),
        schemas=schemas,
        http=http_client,
        sandbox=sandbox,
        mailer=mailer,
        notices=providers.Singleton(StoredNotices, storage, clock),
        clock=clock,
        models=models,
        catalogue=providers.Singleton(StoredCatalogue, storage, clock, tool_uses),
        vault=providers.Singleton(Vault, storage, seals, clock),
        deltas=feed,
        artifacts=providers.Singleton(Artifacts, blobs),
        remote_tools=remote_tools,
        search=providers.Singleton(
            EndpointSearch,
            search_client,
            settings.provided.search_url,
            settings.provided.search_key,
        ),
    )
    limits = providers.Singleton(
        Limits,
        steps=settings.provided.run_max_steps,
        run_seconds=settings.provided.run_max_seconds,
    )
    executor = providers.Singleton(Executor, world, limits)
    shared: providers.Provider[bool] = settings.provided.is_shared
    events = providers.Singleton(RunEndings, storage, feed)
    chronicle = providers.Singleton(Chronicle, feed, clock)
    engine = providers.Singleton(
        DurableRunEngine,
        storage=storage,
        executor=executor,
        events=events,
        chronicle=chronicle,
        clock=clock,
        new_id=providers.Object(new_id),
        concurrency=settings.provided.run_concurrency,
        workspace_concurrency=settings.provided.workspace_concurrency,
        shared=shared,
        executes=settings.provided.execute,
        ttl_seconds=settings.provided.lease_seconds,
    )
    core = providers.Singleton(
        Orbiter.assemble,
        storage=storage,
        engine=engine,
        events=events,
        feed=feed,
        executor=executor,
        world=world,
        descriptions=providers.Singleton(OpenApiDescriptions, schemas),
        schemas=schemas,
        passwords=passwords,
        tokens=tokens,
        cipher=cipher,
        prices=prices,
        seals=seals,
        gateway=gateway,
        tool_uses=tool_uses,
        mailer=mailer,
        clock=clock,
        calendar=providers.Singleton(CronCalendar),
        new_id=providers.Object(new_id),
        registration=settings.provided.registration,
        public_url=settings.provided.base_url,
        tick_seconds=settings.provided.schedule_interval_seconds,
        keep_runs_days=settings.provided.keep_runs_days,
    )
    app: "providers.Provider[ASGIApp]" = providers.Singleton(
        _app,
        core,
        settings,
        tokens=tokens,
        cipher=cipher,
        clock=clock,
        idempotency=idempotency,
        limiter=limiter,
    )


def in_memory(**settings: Any) -> Container:
    """Return a container that keeps nothing: for tests and for trying things out."""
    container = Container(settings=Settings(**settings))
    container.secret_keys.override((secrets.token_urlsafe(48),))
    container.mailer.override(providers.Singleton(MemoryMailer))
    container.blobs.override(providers.Singleton(MemoryBlobs))
    container.storage.override(providers.Singleton(MemoryStorage, container.blobs))
    container.idempotency.override(providers.Singleton(MemoryIdempotencyStore))
    container.limiter.override(providers.Singleton(MemoryRateLimiter))
    container.shared.override(False)
    return container
