"""Litestar over an assembled core."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from litestar import Litestar, Router
from litestar.datastructures import State
from litestar.di import Provide
from litestar.types import ASGIApp

from orbiter.adapters.http.access import Access, require_stated
from orbiter.adapters.http.accounts import AccountController
from orbiter.adapters.http.agents import AgentController
from orbiter.adapters.http.answers import API
from orbiter.adapters.http.api_keys import ApiKeyController
from orbiter.adapters.http.approvals import ApprovalController
from orbiter.adapters.http.audit_log import AuditLogController
from orbiter.adapters.http.bodies import StrictBody, read_body
from orbiter.adapters.http.ci import CiController
from orbiter.adapters.http.conversations import ConversationController
from orbiter.adapters.http.cors import Cors
from orbiter.adapters.http.documentation import DocumentationController, openapi_config
from orbiter.adapters.http.edge import Edge
from orbiter.adapters.http.errors import HANDLERS
from orbiter.adapters.http.health import HealthController
from orbiter.adapters.http.hooks import HookController
from orbiter.adapters.http.idempotency import Idempotency
from orbiter.adapters.http.members import MemberController
from orbiter.adapters.http.messages import MessageController
from orbiter.adapters.http.notifications import NotificationController
from orbiter.adapters.http.paging import pages
from orbiter.adapters.http.prices import PriceController
from orbiter.adapters.http.projects import ProjectController
from orbiter.adapters.http.providers import ProviderController
from orbiter.adapters.http.proxies import TrustedProxies
from orbiter.adapters.http.rate_limits import RateLimits
from orbiter.adapters.http.replays import ReplayController
from orbiter.adapters.http.run_agent import StartAgentController
from orbiter.adapters.http.run_events import RunEventController
from orbiter.adapters.http.run_workflow import StartController
from orbiter.adapters.http.runs import RunController
from orbiter.adapters.http.schedules import ScheduleController
from orbiter.adapters.http.secrets import SecretController
from orbiter.adapters.http.sessions import SessionController
from orbiter.adapters.http.starting import reply
from orbiter.adapters.http.tool_imports import ToolImportController
from orbiter.adapters.http.tools import ToolController
from orbiter.adapters.http.workflows import WorkflowController
from orbiter.application.facade import Orbiter
from orbiter.application.ports.idempotency import IdempotencyStore
from orbiter.application.ports.identity import Cipher, Rate, RateLimiter, Tokens
from orbiter.application.ports.system import Clock

BODY_MAX: Final = 2 * 1024 * 1024
CONTROLLERS: Final = (
    AccountController,
    SessionController,
    MemberController,
    ApiKeyController,
    AuditLogController,
    ProjectController,
    ToolController,
    ToolImportController,
    SecretController,
    PriceController,
    ProviderController,
    AgentController,
    StartAgentController,
    WorkflowController,
    StartController,
    ConversationController,
    MessageController,
    RunController,
    RunEventController,
    ApprovalController,
    ReplayController,
    ScheduleController,
    HookController,
    NotificationController,
    CiController,
    HealthController,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpSettings:
    """What the HTTP face is set to; *rates* of None count nothing."""

    rates: Mapping[str, Rate] | None
    cors_origins: Sequence[str] = ()
    trusted_proxies: Sequence[str] = ()


def create_app(
    core: Orbiter,
    *,
    tokens: Tokens,
    cipher: Cipher,
    clock: Clock,
    idempotency: IdempotencyStore,
    limiter: RateLimiter,
    settings: HttpSettings,
) -> ASGIApp:
    """Return the HTTP face of *core*, which is started and stopped by whoever serves it."""
    limits = RateLimits(limiter, settings.rates)
    app = Litestar(
        route_handlers=[
            Router(API, route_handlers=CONTROLLERS),
            HealthController,
            DocumentationController,
        ],
        dto=StrictBody,
        return_dto=None,
        before_request=read_body,
        middleware=[Access(core, limits), Idempotency(idempotency, cipher, clock)],
        dependencies={
            "core": _given(core),
            "limits": _given(limits),
            "pages": _each(pages),
            "reply": _each(reply),
        },
        exception_handlers=HANDLERS,
        request_max_body_size=BODY_MAX,
        state=State({"core": core, "tokens": tokens}),
        logging_config=None,
        openapi_config=openapi_config(),
    )
    require_stated(app)
    cors = Cors(app, frozenset(settings.cors_origins))
    return Edge(cors, TrustedProxies(settings.trusted_proxies))


def _given(thing: object) -> Provide:
    return Provide(lambda: thing, sync_to_thread=False, use_cache=True)


def _each(make: Callable[..., object]) -> Provide:
    return Provide(make, sync_to_thread=False)


def routes_within(app: Any) -> Litestar:
    """Return the framework's part of what `create_app` made: its routes."""
    while not isinstance(app, Litestar):
        app = app.app
    return app
