"""Who is asking and whether they may: 401, CSRF 403, 403. What states nothing is denied."""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, Final, cast

from litestar import Litestar, Request
from litestar.datastructures import State
from litestar.enums import ScopeType
from litestar.handlers import HTTPRouteHandler
from litestar.middleware import ASGIMiddleware
from litestar.routes import HTTPRoute
from litestar.types import ASGIApp, HTTPScope, Receive, Scope, Send

from orbiter.adapters.http.rate_limits import RateLimits
from orbiter.application.facade import Orbiter
from orbiter.domain.errors import Forbidden, Unauthenticated
from orbiter.domain.identity import Actor, Permission

ActorRequest = Request[Actor, None, State]

COOKIE: Final = "orbiter_session"
API_KEY_HEADER: Final = "X-API-Key"
CSRF_HEADER: Final = "X-CSRF-Token"
PERMISSION: Final = "permission"
PUBLIC: Final = "public"
RATE: Final = "rate"
_MUTATING: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})


def requires(permission: Permission, **more: Any) -> dict[str, Any]:
    """Return the options of a route that only actors holding *permission* may use."""
    return {PERMISSION: permission, **more}


def public(**more: Any) -> dict[str, Any]:
    """Return the options of a route that anybody may use."""
    return {PUBLIC: True, **more}


@dataclass(frozen=True)
class Access(ASGIMiddleware):
    """Authenticate, count against the rate limits, check the CSRF token and the permission."""

    core: Orbiter
    limits: RateLimits
    scopes = (ScopeType.HTTP,)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Let the request through to its route, or raise what refuses it."""
        http = cast("HTTPScope", scope)
        options = http["route_handler"].opt
        if options.get(PUBLIC) or http["method"] == "OPTIONS":
            await self.limits.spend(http, options.get(RATE), address_of(scope))
        else:
            await self._admit(http, options)
        await next_app(scope, receive, send)

    async def _admit(self, scope: HTTPScope, options: dict[str, Any]) -> None:
        request: Request[Any, Any, Any] = Request(scope)
        try:
            actor = await self._actor(request)
        except Unauthenticated:
            await self.limits.spend(scope, "api", address_of(scope))
            raise
        scope["user"] = actor
        who = actor.api_key_id or actor.user_id
        await self.limits.spend(scope, options.get(RATE, "api"), who)
        if actor.session_id and scope["method"] in _MUTATING:
            self._require_csrf(actor, request)
        if not actor.may(options[PERMISSION]):
            await self.core.audit_log.refused(actor, options[PERMISSION])
            raise Forbidden("Your role or key does not permit this")

    async def _actor(self, request: Request[Any, Any, Any]) -> Actor:
        key = request.headers.get(API_KEY_HEADER)
        if key is not None:
            return await self.core.authentication.by_api_key(key, address=address_of(request.scope))
        token = request.cookies.get(COOKIE)
        if not token:
            raise Unauthenticated("Sign in, or send an API key")
        return await self.core.authentication.by_session(token, address=address_of(request.scope))

    def _require_csrf(self, actor: Actor, request: Request[Any, Any, Any]) -> None:
        if not self.core.sessions.csrf_holds(actor, request.headers.get(CSRF_HEADER)):
            raise Forbidden(f"The header {CSRF_HEADER} is missing or not this session's")


def address_of(scope: Scope) -> str:
    """Return the caller's address, empty when there is none (in-process callers)."""
    client = scope["client"]
    return client[0] if client else ""


def is_secure(request: Request[Any, Any, Any]) -> bool:
    """Say whether cookies need `Secure`: always but over plain http on a loopback address."""
    host = request.url.hostname or ""
    return request.url.scheme == "https" or not _is_loopback(host)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def require_stated(app: Litestar) -> None:
    """Raise RuntimeError for routes that state neither a permission nor that they are public."""
    silent = [f"{verb} {path}" for verb, path, options in _routes(app) if not _states(options)]
    if silent:
        raise RuntimeError(f"Routes without a permission: {', '.join(silent)}")


def _states(options: dict[str, Any]) -> bool:
    return bool(options.get(PUBLIC)) or isinstance(options.get(PERMISSION), Permission)


def _routes(app: Litestar) -> Iterable[tuple[str, str, dict[str, Any]]]:
    for route in app.routes:
        handlers = route.route_handlers if isinstance(route, HTTPRoute) else [route.route_handler]
        for handler in handlers:
            verbs = handler.http_methods if isinstance(handler, HTTPRouteHandler) else {"ANY"}
            if verbs != {"OPTIONS"}:
                yield "/".join(sorted(verbs)), route.path, handler.opt
