"""Connections to addresses that were checked, and to no others."""

from collections.abc import Iterable, Sequence
from typing import Final

import httpcore2

from orbiter.adapters.outbound.addresses import Address, is_public
from orbiter.adapters.outbound.allowlist import EgressAllowlist
from orbiter.adapters.outbound.resolver import Resolver
from orbiter.adapters.outbound.streams import connected
from orbiter.application.ports.outbound import OutboundError

# An address that swallows packets must leave time for the next one.
CONNECT_SECONDS: Final = 5.0


class CheckedConnections(httpcore2.AsyncNetworkBackend):
    """Resolve a name once, check each address, connect to the very address that was checked.

    So no second answer of the DNS can lead elsewhere; TLS still verifies the name.
    """

    def __init__(self, resolver: Resolver, allowlist: EgressAllowlist) -> None:
        self._resolve = resolver
        self._allowlist = allowlist

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Return a connection, or raise OutboundError: EGRESS_DENIED or CONNECTION_FAILED."""
        for address in await self._open_addresses(host, port):
            try:
                return await connected(str(address), port, seconds=CONNECT_SECONDS)
            except OSError:
                continue
        raise OutboundError("CONNECTION_FAILED", f"No connection could be made to {host}")

    async def _open_addresses(self, host: str, port: int) -> Sequence[Address]:
        try:
            found = await self._resolve(host, port)
        except OSError:
            raise OutboundError("CONNECTION_FAILED", f"{host} does not resolve") from None
        addresses = [
            address
            for address in found
            if is_public(address) or self._allowlist.allows(host, address, port)
        ]
        if not addresses:
            message = f"{host} has no public address, and the operator has not opened it"
            raise OutboundError("EGRESS_DENIED", message)
        return addresses
