"""What servers say, in the core's words and within bounds."""

import json
from collections.abc import Iterable, Sequence
from typing import Any, Final

import mcp_types as types

from orbiter.application.ports.models import ToolOffer
from orbiter.application.ports.outbound import OutboundError
from orbiter.application.ports.remote_tools import REMOTE_NAME_MAX, RESULT_MAX, RemoteResult
from orbiter.domain.tools import DESCRIPTION_MAX

MESSAGE_MAX: Final = 500
PLACE_MAX: Final = 200


def offer_of(tool: types.Tool) -> ToolOffer:
    """Return what a server offers; raise OutboundError if it has no usable name."""
    if not tool.name or len(tool.name) > REMOTE_NAME_MAX or not tool.name.isprintable():
        raise OutboundError("INVALID_ANSWER", "The server offers a tool without a usable name")
    description = (tool.description or tool.title or "").replace("\0", "")
    return ToolOffer(
        name=tool.name, description=description[:DESCRIPTION_MAX], parameters=tool.input_schema
    )


def result_of(result: types.CallToolResult) -> RemoteResult:
    """Return what a tool gave: its structured content, or else its texts as one."""
    text = "\n".join(_texts(result.content))
    is_plain = result.is_error or result.structured_content is None
    output: Any = text if is_plain else result.structured_content
    if len(json.dumps(output)) > RESULT_MAX:
        message = f"The tool gave more than {RESULT_MAX} characters"
        raise OutboundError("RESPONSE_TOO_LARGE", message)
    return RemoteResult(output=output, failed=result.is_error)


def refusal_of(code: int, message: str, status: int | None) -> OutboundError:
    """Return the error for a server that answered with one, or with a status from 400."""
    if code == types.PARSE_ERROR and status is None:
        # The SDK's own, which quotes what it could not read.
        return OutboundError("INVALID_ANSWER", "The server's answer can't be read")
    kind = f"error {code}" if status is None else f"status {status}"
    told = message.replace("\0", "")[:MESSAGE_MAX]
    return OutboundError("REMOTE_REFUSED", f"The server answered with {kind}: {told}")


def nonsense_of(place: Sequence[int | str]) -> OutboundError:
    """Return the error for an answer that is wrong at a place; what stands there is not told."""
    where = ".".join(map(str, place)).replace("\0", "")[:PLACE_MAX]
    told = f" at {where}" if where else ""
    return OutboundError("INVALID_ANSWER", f"The server's answer makes no sense{told}")


def _texts(content: Iterable[types.ContentBlock]) -> Iterable[str]:
    """Yield the texts of a result; what is none is named, and left out."""
    for block in content:
        match block:
            case types.TextContent():
                yield block.text
            case types.EmbeddedResource(resource=types.TextResourceContents() as resource):
                yield resource.text
            case types.ResourceLink():
                yield str(block.uri)
            case types.ImageContent() | types.AudioContent():
                yield f"[{block.mime_type}, {len(block.data)} characters of base64 left out]"
            case _:
                yield f"[{block.type} left out]"
