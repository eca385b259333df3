"""Requests that Orbiter makes by itself, signed so that their receivers know them."""

from dataclasses import replace
from datetime import datetime

from orbiter.application.ports.outbound import OutboundRequest
from orbiter.application.signatures import signature


def signed(request: OutboundRequest, secret: str | None, *, at: datetime) -> OutboundRequest:
    """Return *request* with its time, and with its signature when there is a *secret*.

    The signature is the SHA-256 HMAC of `<timestamp>.<body>`; the timestamp is in seconds.
    """
    timestamp = str(int(at.timestamp()))
    headers = {**request.headers, "x-orbiter-timestamp": timestamp}
    if secret:
        headers["x-orbiter-signature"] = signature(secret, timestamp, request.body or b"")
    return replace(request, headers=headers)
