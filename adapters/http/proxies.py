"""Whose `X-Forwarded-*` headers count, and what they change."""

import re
from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any, Final

from litestar.types import HTTPScope

from orbiter.adapters.http.exchange import told

# Some proxies tell the port as well: `203.0.113.7:4711`, `[2001:db8::7]:4711`.
_WITH_PORT: Final = re.compile(r"\[([^\]]+)\](?::\d+)?|([\d.]+):\d+")


class TrustedProxies:
    """The proxies in front of Orbiter: addresses and networks."""

    def __init__(self, entries: Sequence[str] = ()) -> None:
        self._networks = [ip_network(entry, strict=False) for entry in entries]

    def reveal(self, scope: HTTPScope) -> None:
        """Put what a trusted proxy tells of its caller in place of what is seen of the proxy."""
        peer = scope["client"][0] if scope["client"] else ""
        if not self._networks or not self.trusts(peer):
            return
        scope["client"] = (self.client(peer, told(scope, b"x-forwarded-for")), 0)
        scheme = _nearest(told(scope, b"x-forwarded-proto")).lower()
        if scheme in ("http", "https"):
            scope["scheme"] = scheme
        host = _nearest(told(scope, b"x-forwarded-host"))
        if host:
            others = (each for each in scope["headers"] if each[0] != b"host")
            scope["headers"] = [(b"host", host.encode("latin-1")), *others]

    def trusts(self, address: str) -> bool:
        """Say whether *address* is one of them."""
        try:
            parsed = ip_address(address)
        except ValueError:
            return False
        return any(_holds(network, parsed) for network in self._networks)

    def client(self, peer: str, forwarded_for: str) -> str:
        """Return the nearest address that is not a trusted proxy's.

        What is no address ends the chain: whoever told it is the nearest that is known.
        """
        chain = forwarded_for.split(",")
        address = peer
        while chain and self.trusts(address):
            further = _address(chain.pop().strip())
            if further is None:
                break
            address = further
        return address


def _holds(network: IPv4Network | IPv6Network, address: Any) -> bool:
    return bool(address.version == network.version and address in network)


def _address(text: str) -> str | None:
    found = _WITH_PORT.fullmatch(text)
    try:
        return str(ip_address(found[1] or found[2] if found else text))
    except ValueError:
        return None


def _nearest(forwarded: str) -> str:
    return forwarded.rpartition(",")[2].strip()
