"""Who is asking and whether they may: 401, CSRF 403, 403. What states nothing is denied."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, cast

from litestar import Litestar, Request
from litestar.datastructures import State
from litestar.enums import ScopeType
from litestar.handlers import HTTPRouteHandler
from litestar.middleware import ASGIMiddleware
from litestar.routes import HTTPRoute
from litestar.types import ASGIApp, HTTPScope, Receive, Scope, Send

from orbiter.adapters.http.cookies import COOKIE, set_cookie
from orbiter.adapters.http.exchange import answer_empty, exchange
from orbiter.adapters.http.rate_limits import RateLimits
from orbiter.application.facade import Orbiter
from orbiter.domain.errors import Forbidden, Unauthenticated
from orbiter.domain.identity import Actor, Permission

ActorRequest = Request[Actor, None, State]

API_KEY_HEADER: Final = "X-API-Key"
CSRF_HEADER: Final = "X-CSRF-Token"
PERMISSION: Final = "permission"
ALSO: Final = "also"
PUBLIC: Final = "public"
RATE: Final = "rate"
_MUTATING: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})


def requires(permission: Permission, **more: Any) -> dict[str, Any]:
    """Return the options of a route that only actors holding *permission* may use.

    Those named by the option ALSO are needed beside it.
    """
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
        if http["method"] == "OPTIONS":
            await answer_empty(send, {"Allow": ", ".join(_methods(http))})
            return
        if options.get(PUBLIC):
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
        for permission in (options[PERMISSION], *options.get(ALSO, ())):
            refusal = self._refusal(actor, request, permission)
            if refusal is not None:
                await self.core.audit_log.refused(actor, permission)
                raise Forbidden(refusal)

    async def _actor(self, request: Request[Any, Any, Any]) -> Actor:
        key = request.headers.get(API_KEY_HEADER)
        if key is not None:
            return await self.core.authentication.by_api_key(key, address=address_of(request.scope))
        token = request.cookies.get(COOKIE)
        if not token:
            raise Unauthenticated("Sign in, or send an API key")
        address = address_of(request.scope)
        actor = await self.core.authentication.by_session(token, address=address)
        if actor.renewed:
            exchange(request.scope).answer_headers.update(set_cookie(request, token))
        return actor

    def _refusal(
        self, actor: Actor, request: Request[Any, Any, Any], permission: Permission
    ) -> str | None:
        if actor.session_id and request.method in _MUTATING:
            if not self.core.sessions.csrf_holds(actor, request.headers.get(CSRF_HEADER)):
                return f"The header {CSRF_HEADER} is missing or not this session's"
        if not actor.may(permission):
            return "Your role or key does not permit this"
        return None


def _methods(scope: HTTPScope) -> list[str]:
    # Litestar's own answer to OPTIONS knows the methods of the path's first handler alone.
    routes = scope["litestar_app"].routes
    found = {
        method
        for route in routes
        if isinstance(route, HTTPRoute) and route.path_format == scope["path_template"]
        for method in route.methods
    }
    return sorted(found | {"HEAD"} if "GET" in found else found)


def address_of(scope: Scope) -> str:
    """Return the caller's address, empty when there is none (in-process callers)."""
    client = scope["client"]
    return client[0] if client else ""


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
