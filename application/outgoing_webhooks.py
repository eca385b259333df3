"""Requests that Orbiter makes by itself, signed so that their receivers know them."""

import hmac
from dataclasses import replace
from datetime import datetime

from orbiter.application.ports.outbound import OutboundRequest


def signed(request: OutboundRequest, secret: str | None, *, at: datetime) -> OutboundRequest:
    """Return *request* with its time, and with its signature when there is a *secret*.

    The signature is the SHA-256 HMAC of `<timestamp>.<body>`; the timestamp is in seconds.
    """
    timestamp = str(int(at.timestamp()))
    headers = {**request.headers, "x-orbiter-timestamp": timestamp}
    if secret:
        told = timestamp.encode() + b"." + (request.body or b"")
        mac = hmac.new(secret.encode(), told, "sha256").hexdigest()
        headers["x-orbiter-signature"] = f"sha256={mac}"
    return replace(request, headers=headers)
