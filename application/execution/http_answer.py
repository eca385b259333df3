"""What a service answered, as a value of JSON."""

import base64
import json
from collections.abc import Mapping
from email.message import Message
from typing import Any

from orbiter.application.ports.outbound import OutboundAnswer


def output_of(answer: OutboundAnswer) -> Mapping[str, Any]:
    """Return `{status, headers, body}`: a body of JSON decoded, text as text.

    What is neither comes in base64, and `encoding` says so.
    """
    output: dict[str, Any] = {"status": answer.status, "headers": dict(answer.headers)}
    media_type, charset = _content_type(answer.headers.get("content-type", ""))
    try:
        text = answer.body.decode(charset)
    except (LookupError, UnicodeDecodeError):
        return {**output, "body": base64.b64encode(answer.body).decode(), "encoding": "base64"}
    if media_type == "application/json" or media_type.endswith("+json"):
        return {**output, "body": _decoded(text)}
    return {**output, "body": text}


def _content_type(header: str) -> tuple[str, str]:
    message = Message()
    message["content-type"] = header
    return message.get_content_type(), message.get_content_charset("utf-8")


def _decoded(text: str) -> Any:
    try:
        value = json.loads(text, parse_constant=_refuse)
        # Half a surrogate pair and 1e999 can be written in JSON, but are no text and no number.
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):
        return text or None
    return value


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON")
