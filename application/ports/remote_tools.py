"""Tools that other servers offer, by the Model Context Protocol."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from orbiter.application.ports.models import ToolOffer


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteServer:
    """Where a server is; its headers may hold credentials."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    timeout_seconds: float = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteResult:
    """What a remote tool gave; *failed* says that the tool itself tells of an error."""

    output: Any
    failed: bool = False


class RemoteTools(Protocol):
    """Reach servers of tools through the egress guard; raise OutboundError when that fails.

    What servers say is untrusted: names, descriptions, schemas and results are bounded in size.
    """

    async def offers(self, server: RemoteServer) -> Sequence[ToolOffer]:
        """Return the tools the server offers, at most 128."""
        ...

    async def call(
        self, server: RemoteServer, name: str, arguments: Mapping[str, Any]
    ) -> RemoteResult:
        """Call one of them."""
        ...
