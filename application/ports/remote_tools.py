"""Tools that other servers offer, by the Model Context Protocol."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from orbiter.application.ports.models import ToolOffer

TOOLS_MAX: Final = 128
RESULT_MAX: Final = 1024 * 1024
REMOTE_NAME_MAX: Final = 256


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

    Beside the codes of HttpClient it has REMOTE_REFUSED when the server answers with an error,
    INVALID_ANSWER when its answer makes no sense, TOO_MANY_TOOLS, and EXTRA_NOT_INSTALLED. A
    server's time-out bounds a call whole. What servers say is untrusted, and bounded in size.
    """

    async def offers(self, server: RemoteServer) -> Sequence[ToolOffer]:
        """Return the tools the server offers, TOOLS_MAX at most, by the server's own names.

        Descriptions are cut; whether the parameters are a JSON Schema is not looked at.
        """
        ...

    async def call(
        self, server: RemoteServer, name: str, arguments: Mapping[str, Any]
    ) -> RemoteResult:
        """Call one of them, and return what it gives: RESULT_MAX characters of JSON at most."""
        ...
