"""What the API says of itself: title, introduction, tags, ways to authenticate."""

from importlib.metadata import version
from typing import Any, Final

from litestar import Router
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, License, SecurityScheme, Tag
from litestar.routes import BaseRoute
from litestar.types import Method

from orbiter.adapters.http.access import API_KEY_HEADER, CSRF_HEADER
from orbiter.adapters.http.cookies import COOKIE
from orbiter.domain.workflows.node_kinds import NODE_KINDS

SESSION: Final = "session"
CSRF: Final = "csrf_token"
API_KEY: Final = "api_key"

INTRODUCTION: Final = """
Build, run, deploy and watch AI agents and workflows.

Read it here as [Swagger UI](/docs) or [ReDoc](/redoc), or take
[the document itself](/openapi.json).

## Authentication

**In a browser**: `POST /api/v1/auth/login` sets the cookie `orbiter_session`, which goes with every
later request. A request that changes something (`POST`, `PUT`, `DELETE`) also needs the header
`X-CSRF-Token`, whose value `GET /api/v1/auth/csrf` tells; without it the answer is 403. On
[/docs](/docs), *Try it out* sends both by itself once you have signed in there.

**In a program**: send an API key, made with `POST /api/v1/api-keys`, as `X-API-Key`. It needs no
CSRF token. The scope `ci` opens `/api/v1/ci/*`; `read`, `write` and `run` open the rest, with at
most the role of who made the key.

Roles hold what the ones before them hold: `viewer` reads, `developer` changes and runs, `admin`
manages members, keys and providers and reads the audit log. Ids of other workspaces do not exist:
404.

## Requests

Bodies are JSON, at most 2 MiB and 64 levels deep. A field the API does not know is refused. `PUT`
changes the fields given and keeps the rest; an explicit `null` clears a field. Ids are UUIDv7;
times are RFC 3339 in UTC with milliseconds.

**Idempotency**: a `POST` that creates or starts something takes an `Idempotency-Key`, kept for 24
hours. The same key with the same body gets the first answer again; with another body, a 409.

**Concurrency**: where a resource has an `ETag`, a `PUT` with an `If-Match` that is not its present
one gets a 409 and changes nothing.

## Lists

Lists come in pages, newest first: `?limit=` (1 to 100, 20 by default), `?order=asc|desc` and
`?cursor=`, whose value is `pagination.next_cursor` of the page before. `pagination.total` counts
all that match.

## Errors

Every error, whoever raises it, is the same envelope:

```json
{"error": {"code": "RESOURCE_NOT_FOUND", "message": "Project not found", "details": null}}
```

| Code | Status | Meaning |
|------|--------|---------|
| `BAD_REQUEST` | 400 | Malformed JSON, a bad or missing query parameter, a forged cursor |
| `UNAUTHORIZED` | 401 | Missing or invalid authentication |
| `FORBIDDEN` | 403 | Insufficient permissions, or no CSRF token |
| `RESOURCE_NOT_FOUND` | 404 | It does not exist, or not for you |
| `METHOD_NOT_ALLOWED` | 405 | The path does not answer to this method |
| `CONFLICT` | 409 | Duplicate or conflicting state |
| `PAYLOAD_TOO_LARGE` | 413 | The body is too large |
| `UNSUPPORTED_MEDIA_TYPE` | 415 | The body is not JSON |
| `VALIDATION_ERROR` | 422 | Every wrong field of the body stands in `details.fields` |
| `RATE_LIMITED` | 429 | Too many requests; `Retry-After` says for how long |
| `INTERNAL_ERROR` | 500 | A bug; report it with `details.request_id` |
| `SERVICE_UNAVAILABLE` | 503 | Something Orbiter depends on does not answer; `Retry-After` |

Each answer carries `X-Request-ID`: yours, if you sent one, else a new one.

## Rate limits

By default, starting runs 120 a minute, everything else 1200 a minute, for each user or key; login
and register 10 a minute for each address and 5 a minute for each e-mail.
`RateLimit-Limit`, `RateLimit-Remaining` and `RateLimit-Reset` (seconds) tell how it stands.
""".strip()


def _node_kinds() -> str:
    """Return a table of what each kind of node may be set to."""
    rows = [
        f"| `{name}` | {', '.join(f'`{each}`' for each in kind.settings.settings)} |"
        for name, kind in NODE_KINDS.items()
    ]
    return "\n".join(["| Node | `config` |", "|------|----------|", *rows])


TAGS: Final = {
    "auth": "Accounts, sessions and passwords.",
    "members": "The people of the workspace, their roles, and invitations.",
    "api-keys": "Credentials of programs, shown once.",
    "audit-log": "Who did what to what, when and from where.",
    "projects": "The folders everything else lives in.",
    "providers": "Whose models are called: `<provider name or type>:<model>`, as in "
    "`openai:gpt-4o`. The enabled providers of a type form a pool. `echo:echo` and `echo:script` "
    "need no provider.",
    "agents": "Models with instructions, tools and bounds, their versions, and running them.",
    "tools": "What agents and workflows can do beside talking; those built in, and your own.",
    "workflows": f"Graphs of nodes, their versions, and starting them.\n\n{_node_kinds()}",
    "conversations": "What is said with agents, and what they answer.",
    "secrets": "Values that templates use as `{{ secrets.NAME }}` and nobody reads again.",
    "prices": "What the tokens of models cost: the list that comes with Orbiter, and your own.",
    "runs": "What is running, what has run, and the trace of each step.",
    "schedules": "Workflows that start by the clock.",
    "hooks": "Addresses that start a workflow when something is posted to them.",
    "notifications": "What runs tell or ask the caller in the app.",
    "ci": "Running workflows from a pipeline, with an API key of scope `ci`.",
    "health": "Whether the server lives and is ready to work.",
}

_SCHEMES: Final = {
    SESSION: SecurityScheme(
        type="apiKey",
        name=COOKIE,
        security_scheme_in="cookie",
        description="Set by `POST /api/v1/auth/login`.",
    ),
    CSRF: SecurityScheme(
        type="apiKey",
        name=CSRF_HEADER,
        security_scheme_in="header",
        description="From `GET /api/v1/auth/csrf`, for requests with the session cookie that "
        "change something.",
    ),
    API_KEY: SecurityScheme(
        type="apiKey",
        name=API_KEY_HEADER,
        security_scheme_in="header",
        description="Made by `POST /api/v1/api-keys`; its scopes say what it opens.",
    ),
}


class Unrouted(Router):
    """Take the pages that Litestar would add, and route none: they would answer for every path."""

    def register(self, value: Any) -> list[BaseRoute]:
        """Register nothing."""
        return []


def openapi_config() -> OpenAPIConfig:
    """Return what Litestar needs to describe the routes; `describe` finishes what it makes."""
    return OpenAPIConfig(
        title="Orbiter",
        version=version("orbiter"),
        description=INTRODUCTION,
        license=License(name="MIT", identifier="MIT"),
        tags=[Tag(name=name, description=text) for name, text in TAGS.items()],
        components=Components(security_schemes={**_SCHEMES}),
        operation_id_creator=operation_id,
        render_plugins=[JsonRenderPlugin()],
        openapi_router=Unrouted("/", route_handlers=[]),
    )


def operation_id(handler: HTTPRouteHandler, method: Method, components: list[Any]) -> str:
    """Return the path's words and the handler's name: `projectsCreate`, `authLogin`."""
    words = [part.replace("-", "_") for part in components if isinstance(part, str)]
    words = words[2:] if words[:2] == ["api", "v1"] else ["root", *words]
    if words[-1] != handler.handler_name:
        words.append(handler.handler_name)
    first, *others = "_".join(words).split("_")
    return first + "".join(word.capitalize() for word in others)
