"""A request as users describe it, sent; and as the trace may show it."""

import base64
import json
import re
from collections.abc import Mapping
from typing import Any, Final

from orbiter.application.execution.http_answer import output_of
from orbiter.application.execution.outcome import NodeFailed
from orbiter.application.ports.outbound import HttpClient, OutboundAnswer, OutboundRequest

TIMEOUT_SECONDS: Final = 30
WORDS_MAX: Final = 4096
HIDDEN: Final = "***"
_SECRETS: Final = ("authorization", "cookie", "password", "secret", "token", "apikey")
_CREDENTIALS: Final = re.compile(r"//[^/?#]*@")

Config = Mapping[str, Any]


def request_of(config: Config, *, key: str, timeout_seconds: float) -> OutboundRequest:
    """Return the request that a rendered *config* describes; raise NodeFailed with INVALID_AUTH.

    *key* goes with it as `Idempotency-Key`.
    """
    body, media_type = _body(config.get("body"))
    headers = {"idempotency-key": key}
    if media_type is not None:
        headers["content-type"] = media_type
    headers |= _texts(config.get("headers") or {})
    headers |= _authorization(config.get("auth") or {})
    return OutboundRequest(
        method=config.get("method") or "GET",
        url=_text(config["url"]),
        headers=headers,
        query=config.get("query") or {},
        body=body,
        timeout_seconds=timeout_seconds,
    )


async def answered(client: HttpClient, request: OutboundRequest, config: Config) -> Any:
    """Return `{status, headers, body}` of the answer.

    Raise NodeFailed with HTTP_STATUS, and the service's words if they are few, on a status from
    400 that the config does not accept, and OutboundError where there is no answer.
    """
    answer = await client.send(request)
    if answer.status >= 400 and answer.status not in (config.get("accept_status") or ()):
        told = f"The service answered with status {answer.status}"
        words = _words(answer)
        raise NodeFailed("HTTP_STATUS", f"{told}: {words}" if words else told)
    return output_of(answer)


def shown(config: Config) -> Config:
    """Return the request as the trace may show it: without what opens doors."""
    visible = {name: value for name, value in config.items() if value is not None}
    for part in ("headers", "query"):
        if isinstance(pairs := visible.get(part), Mapping):
            visible[part] = {
                name: HIDDEN if _is_secret(name) else value for name, value in pairs.items()
            }
    if isinstance(url := visible.get("url"), str):
        visible["url"] = without_credentials(url)
    if isinstance(auth := visible.get("auth"), Mapping):
        visible["auth"] = {name: auth[name] if name == "type" else HIDDEN for name in auth}
    return visible


def without_credentials(url: str) -> str:
    """Return *url* as the trace may show it."""
    return _CREDENTIALS.sub(f"//{HIDDEN}@", url)


def _words(answer: OutboundAnswer) -> str:
    # All or none: half a secret would not be recognised any more.
    if len(answer.body) > WORDS_MAX:
        return ""
    try:
        return answer.body.decode().replace("\0", "")
    except UnicodeDecodeError:
        return ""


def _body(body: Any) -> tuple[bytes | None, str | None]:
    if body is None:
        return None, None
    if isinstance(body, str):
        return body.encode(), "text/plain; charset=utf-8"
    return json.dumps(body, ensure_ascii=False).encode(), "application/json"


def _authorization(auth: Config) -> Mapping[str, str]:
    match auth.get("type", "none"):
        case "bearer":
            return {"authorization": f"Bearer {_part(auth, 'token')}"}
        case "basic":
            pair = f"{_part(auth, 'username')}:{_text(auth.get('password'))}"
            return {"authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
        case "header":
            return {_part(auth, "name").lower(): _part(auth, "value")}
        case _:
            return {}


def _part(auth: Config, name: str) -> str:
    text = _text(auth.get(name))
    if not text:
        raise NodeFailed("INVALID_AUTH", f"`auth.{name}` is missing")
    return text


def _texts(headers: Mapping[str, Any]) -> Mapping[str, str]:
    return {name.lower(): _text(value) for name, value in headers.items() if value is not None}


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _is_secret(name: str) -> bool:
    plain = name.lower().replace("-", "").replace("_", "")
    return any(word in plain for word in _SECRETS)
