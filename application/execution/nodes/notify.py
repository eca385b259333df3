"""`notify`: a message to a webhook, by mail, or in the app."""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from orbiter.application.execution.http_request import (
    HIDDEN,
    TIMEOUT_SECONDS,
    without_credentials,
)
from orbiter.application.execution.notices import give_notice
from orbiter.application.execution.outcome import NodeFailed, Outcome
from orbiter.application.execution.visit import Visit
from orbiter.application.outgoing_webhooks import signed
from orbiter.application.ports.execution import Effect
from orbiter.application.ports.outbound import OutboundRequest
from orbiter.application.ports.system import Mail
from orbiter.domain.errors import Unavailable
from orbiter.domain.identity import Permission
from orbiter.domain.notifications import NotificationKind
from orbiter.domain.users import email_problems

SUBJECT: Final = "A message from Orbiter"


async def behave(visit: Visit) -> Outcome:
    """Send the message; give what is known of its arrival."""
    visit.input = _shown(visit.config)
    config = {name: visit.render(value) for name, value in visit.config.items()}
    visit.input = _shown(config)
    channel = config["channel"]
    send = _SENDERS[channel["type"]]
    return Outcome(await visit.perform(send(visit, channel, config)))


def _to_webhook(visit: Visit, channel: Mapping[str, Any], config: Mapping[str, Any]) -> Effect:
    body = json.dumps(
        {
            "subject": config.get("subject"),
            "message": config["message"],
            "run_id": visit.place.run_id,
            "node_id": visit.node.id,
        },
        ensure_ascii=False,
    ).encode()
    key = visit.key

    async def send() -> Any:
        headers = {"content-type": "application/json", "idempotency-key": key}
        request = OutboundRequest(
            method="POST",
            url=str(channel["url"]),
            headers=headers,
            query={},
            body=body,
            timeout_seconds=TIMEOUT_SECONDS,
        )
        stamped = signed(request, channel.get("secret"), at=visit.world.clock.now())
        answer = await visit.world.http.send(stamped)
        if answer.status >= 400:
            raise NodeFailed("HTTP_STATUS", f"The webhook answered with status {answer.status}")
        return {"status": answer.status}

    return send


def _by_mail(visit: Visit, channel: Mapping[str, Any], config: Mapping[str, Any]) -> Effect:
    addresses = [str(address).strip() for address in channel["to"]]
    for address in addresses:
        if list(email_problems(address)):
            raise NodeFailed("INVALID_ADDRESS", f"{address!r} is no e-mail address")
    subject = _line(config.get("subject")) or SUBJECT
    waiting = [Mail(to=each, subject=subject, text=_text(config["message"])) for each in addresses]

    async def send() -> Any:
        # An attempt after a failure goes on where that one stopped.
        while waiting:
            try:
                await visit.world.mailer.send(waiting[0])
            except Unavailable as failure:
                raise NodeFailed("MAIL_NOT_SENT", failure.message) from failure
            del waiting[0]
        return {"sent_to": addresses}

    return send


def _in_app(visit: Visit, _: Mapping[str, Any], config: Mapping[str, Any]) -> Effect:
    async def send() -> Any:
        members = await give_notice(
            visit,
            NotificationKind.NOTIFY,
            config["message"],
            to=Permission.NOTIFICATIONS_READ,
            subject=_line(config.get("subject")),
        )
        return {"members": members}

    return send


_SENDERS: Final[Mapping[str, Callable[[Visit, Mapping[str, Any], Mapping[str, Any]], Effect]]] = {
    "webhook": _to_webhook,
    "email": _by_mail,
    "in_app": _in_app,
}


def _line(value: Any) -> str:
    return " ".join(str(value or "").split())


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _shown(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the message as the trace may show it: without what opens doors."""
    channel = dict(config["channel"])
    if channel.get("secret"):
        channel["secret"] = HIDDEN
    if isinstance(channel.get("url"), str):
        channel["url"] = without_credentials(channel["url"])
    return {**config, "channel": channel}
