"""Sessions with servers by the official SDK, one for each call; it is imported when first used.

Of the SDK's ways to call a tool the plain one is used: others check results against schemas of
the server's, with regular expressions of the server's.
"""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.metadata import version
from typing import Any, Final, TypeVar

import anyio
import httpx2
import mcp_types as types
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from pydantic import ValidationError

from orbiter.adapters.mcp.answers import nonsense_of, offer_of, refusal_of, result_of
from orbiter.adapters.mcp.passage import Passage
from orbiter.adapters.mcp.remote import ANSWER_BYTES
from orbiter.application.ports.models import ToolOffer
from orbiter.application.ports.outbound import OutboundError
from orbiter.application.ports.remote_tools import TOOLS_MAX, RemoteResult, RemoteServer

PAGES_MAX: Final = 20
_ORBITER: Final = types.Implementation(name="orbiter", version=version("orbiter"))

# What it tells of answers that it can't read quotes them, and with them what was sent perhaps.
logging.getLogger("mcp.client.streamable_http").setLevel(logging.CRITICAL)

T = TypeVar("T")


class Sessions:
    """Ask servers over *http*, a guarded client that is shared."""

    def __init__(self, http: httpx2.AsyncClient) -> None:
        self._http = http

    async def offers(self, server: RemoteServer) -> Sequence[ToolOffer]:
        """Return the tools the server offers."""
        return await self._asked(server, _offers)

    async def call(
        self, server: RemoteServer, name: str, arguments: Mapping[str, Any]
    ) -> RemoteResult:
        """Call one of them."""

        async def ask(client: Client) -> RemoteResult:
            return result_of(await _called(client, name, dict(arguments)))

        return await self._asked(server, ask)

    async def _asked(self, server: RemoteServer, ask: Callable[[Client], Awaitable[T]]) -> T:
        passage = Passage(self._http)
        try:
            # Also what ends a session ends in time: this bound does not let go at its first try.
            with anyio.fail_after(server.timeout_seconds):
                async with _session(server, passage) as client:
                    return await ask(client)
        except Exception as failure:
            raise _told(failure, server, passage) from None


@asynccontextmanager
async def _session(server: RemoteServer, passage: Passage) -> AsyncIterator[Client]:
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(
            httpx2.AsyncClient(
                transport=passage,
                headers=server.headers,
                timeout=server.timeout_seconds,
                trust_env=False,
            )
        )
        transport = streamable_http_client(
            server.url, http_client=http, max_sse_event_size=ANSWER_BYTES
        )
        yield await stack.enter_async_context(
            Client(
                transport,
                read_timeout_seconds=server.timeout_seconds,
                client_info=_ORBITER,
                cache=None,
            )
        )


async def _offers(client: Client) -> Sequence[ToolOffer]:
    offers: list[ToolOffer] = []
    cursor = None
    for _ in range(PAGES_MAX):
        page = await client.list_tools(cursor=cursor)
        offers += [offer_of(tool) for tool in page.tools]
        if len(offers) > TOOLS_MAX:
            raise OutboundError("TOO_MANY_TOOLS", f"The server offers more than {TOOLS_MAX} tools")
        cursor = page.next_cursor
        if cursor is None:
            return offers
    raise OutboundError("INVALID_ANSWER", "The list of the server's tools does not end")


async def _called(client: Client, name: str, arguments: dict[str, Any]) -> types.CallToolResult:
    request = types.CallToolRequest(
        params=types.CallToolRequestParams(name=name, arguments=arguments)
    )
    try:
        return await client.session.send_request(request, types.CallToolResult)
    except MCPError as mismatch:
        if mismatch.code != types.HEADER_MISMATCH:
            raise
    # Some servers want arguments in headers, which ones is known from the list.
    await _offers(client)
    return await client.session.send_request(request, types.CallToolResult)


def _told(failure: Exception, server: RemoteServer, passage: Passage) -> OutboundError:
    """Return what a failure means for whoever asked."""
    match _first(failure):
        case OutboundError() as known:
            return known
        case TimeoutError() | httpx2.TimeoutException():
            message = f"No answer came within {server.timeout_seconds:g} seconds"
            return OutboundError("HTTP_TIMEOUT", message)
        case MCPError() if passage.broken is not None:
            # It says no more than that there was no answer.
            broken, passage.broken = passage.broken, None
            return _told(broken, server, passage)
        case MCPError(code=types.REQUEST_TIMEOUT) if passage.refusal is None:
            message = f"No answer came within {server.timeout_seconds:g} seconds"
            return OutboundError("HTTP_TIMEOUT", message)
        case MCPError(error=error):
            return refusal_of(error.code, error.message, passage.refusal)
        case httpx2.InvalidURL() | httpx2.UnsupportedProtocol():
            return OutboundError("INVALID_URL", "The URL is not one of http or https")
        case httpx2.LocalProtocolError():
            message = "A header holds what HTTP does not allow"
            return OutboundError("INVALID_REQUEST", message)
        case httpx2.HTTPError():
            return OutboundError("CONNECTION_FAILED", "The server ended the connection")
        case ValidationError() as nonsense:
            return nonsense_of(nonsense.errors(include_input=False)[0]["loc"])
        case RuntimeError() | ValueError():
            return OutboundError("INVALID_ANSWER", "The server's answer makes no sense")
        case unknown:
            raise unknown


def _first(failure: BaseException) -> BaseException:
    """Return what lies at the bottom of groups of exceptions; of several, what tells the most."""
    if not isinstance(failure, BaseExceptionGroup):
        return failure
    found = [_first(each) for each in failure.exceptions]
    return next((each for each in found if isinstance(each, OutboundError)), found[0])
