"""Tools of remote servers, by the Model Context Protocol over streamable HTTP."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

from orbiter.application.ports.models import ToolOffer
from orbiter.application.ports.outbound import OutboundError
from orbiter.application.ports.remote_tools import RemoteResult, RemoteServer

if TYPE_CHECKING:
    import httpx2

    from orbiter.adapters.mcp.sessions import Sessions


ANSWER_BYTES: Final = 4 * 1024 * 1024


class McpTools:
    """Reach servers over one guarded client, made by *connect* when the first is asked.

    It should let answers through of ANSWER_BYTES at most.
    """

    def __init__(self, connect: "Callable[[], httpx2.AsyncClient]") -> None:
        self._connect = connect
        self._client: httpx2.AsyncClient | None = None
        self._sessions: Sessions | None = None
        self._loading = Lock()

    async def offers(self, server: RemoteServer) -> Sequence[ToolOffer]:
        """Return the tools the server offers."""
        return await (await self._ready()).offers(server)

    async def call(
        self, server: RemoteServer, name: str, arguments: Mapping[str, Any]
    ) -> RemoteResult:
        """Call one of them."""
        return await (await self._ready()).call(server, name, arguments)

    async def close(self) -> None:
        """Close every connection; calls under way fail."""
        if self._client is not None:
            await self._client.aclose()

    async def _ready(self) -> "Sessions":
        # The SDK takes a second to import: in a thread, so that the others go on meanwhile.
        if self._sessions is not None:
            return self._sessions
        return await asyncio.to_thread(self._load)

    def _load(self) -> "Sessions":
        with self._loading:
            if self._sessions is None:
                try:
                    from orbiter.adapters.mcp.sessions import Sessions
                except ImportError as absent:
                    message = "Tools of kind mcp need the package mcp: install orbiter[mcp]"
                    raise OutboundError("EXTRA_NOT_INSTALLED", message) from absent
                self._client = self._connect()
                self._sessions = Sessions(self._client)
            return self._sessions
