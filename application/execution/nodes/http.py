"""`http`: a request to a service, and its answer."""

import base64
import json
import re
from collections.abc import Mapping
from typing import Any, Final

from orbiter.application.execution.nodes.http_answer import output_of
from orbiter.application.execution.outcome import NodeFailed, Outcome
from orbiter.application.execution.visit import Visit
from orbiter.application.ports.outbound import OutboundRequest

TIMEOUT_SECONDS: Final = 30
HIDDEN: Final = "***"
_SECRETS: Final = ("authorization", "cookie", "password", "secret", "token", "apikey")
_CREDENTIALS: Final = re.compile(r"//[^/?#]*@")


async def behave(visit: Visit) -> Outcome:
    """Send the request; fail with HTTP_STATUS on a status from 400 that is not accepted."""
    visit.input = _shown(visit.config)
    config = {name: visit.render(value) for name, value in visit.config.items()}
    visit.input = _shown(config)
    request = _request(config, visit)
    accepted = config.get("accept_status") or ()

    async def send() -> Any:
        answer = await visit.world.http.send(request)
        if answer.status >= 400 and answer.status not in accepted:
            raise NodeFailed("HTTP_STATUS", f"The service answered with status {answer.status}")
        return output_of(answer)

    return Outcome(await visit.perform(send))


def without_credentials(url: str) -> str:
    """Return *url* as the trace may show it."""
    return _CREDENTIALS.sub(f"//{HIDDEN}@", url)


def _request(config: Mapping[str, Any], visit: Visit) -> OutboundRequest:
    body, media_type = _body(config.get("body"))
    headers = {"idempotency-key": visit.key}
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
        timeout_seconds=_timeout(visit.node.timeout_seconds),
    )


def _timeout(attempt_seconds: float | None) -> float:
    # An attempt's own bound is watched over by the runner, which is to be the first to tell.
    return TIMEOUT_SECONDS if attempt_seconds is None else attempt_seconds + 1


def _body(body: Any) -> tuple[bytes | None, str | None]:
    if body is None:
        return None, None
    if isinstance(body, str):
        return body.encode(), "text/plain; charset=utf-8"
    return json.dumps(body, ensure_ascii=False).encode(), "application/json"


def _authorization(auth: Mapping[str, Any]) -> Mapping[str, str]:
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


def _part(auth: Mapping[str, Any], name: str) -> str:
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


def _shown(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the request as the trace may show it: without what opens doors."""
    shown = {name: value for name, value in config.items() if value is not None}
    for part in ("headers", "query"):
        if isinstance(pairs := shown.get(part), Mapping):
            shown[part] = {
                name: HIDDEN if _is_secret(name) else value for name, value in pairs.items()
            }
    if isinstance(url := shown.get("url"), str):
        shown["url"] = without_credentials(url)
    if isinstance(auth := shown.get("auth"), Mapping):
        shown["auth"] = {name: auth[name] if name == "type" else HIDDEN for name in auth}
    return shown


def _is_secret(name: str) -> bool:
    plain = name.lower().replace("-", "").replace("_", "")
    return any(word in plain for word in _SECRETS)
