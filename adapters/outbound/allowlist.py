"""What the operator opens although it is not public."""

import re
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Final

from orbiter.adapters.outbound.addresses import Address

Network = IPv4Network | IPv6Network

_LABEL: Final = r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
# A name that ends in a number would be read as an IPv4 address in one of its odd spellings.
_NAME: Final = re.compile(rf"({_LABEL}\.)*(?![0-9]+$|0x[0-9a-f]*$){_LABEL}")
_PORT: Final = re.compile(r"(?P<host>\[[^\]]*\]|[^:]*):(?P<port>[0-9]+)")
_PORT_MAX: Final = 65535


@dataclass(frozen=True, slots=True)
class Opening:
    """One entry: a host's name or a network, on one *port* or, with None, on all."""

    host: str | Network
    port: int | None = None

    def fits(self, host: str, address: Address, port: int) -> bool:
        """Say whether a connection to *address*, found under the name *host*, is meant."""
        if self.port not in (None, port):
            return False
        return host == self.host if isinstance(self.host, str) else address in self.host


@dataclass(frozen=True, slots=True)
class EgressAllowlist:
    """Hosts and networks that may be reached although their addresses are not public."""

    openings: tuple[Opening, ...] = ()

    @classmethod
    def parse(cls, text: str) -> "EgressAllowlist":
        """Read a comma list of `host`, `address` and `network`; a port may follow the first two.

        `127.0.0.1, 10.0.0.0/8, internal.example:8080, [::1]:9000`. A name opens whatever it
        resolves to; an address opens names that resolve to it. Raise ValueError with all that is
        wrong.
        """
        entries = [entry.strip() for entry in text.split(",")]
        openings: list[Opening] = []
        wrong: list[str] = []
        for entry in filter(None, entries):
            try:
                openings.append(_opening(entry))
            except ValueError as reason:
                wrong.append(f"{entry!r} {reason}")
        if wrong:
            raise ValueError("; ".join(wrong))
        return cls(tuple(openings))

    def plus(self, text: str) -> "EgressAllowlist":
        """Return a list with more entries, read as by `parse`."""
        return EgressAllowlist((*self.openings, *EgressAllowlist.parse(text).openings))

    def allows(self, host: str, address: Address, port: int) -> bool:
        """Say whether *address*, found under the name *host*, is open on *port*."""
        name = host.lower().removesuffix(".")
        return any(opening.fits(name, address, port) for opening in self.openings)


def _opening(entry: str) -> Opening:
    if "/" in entry:
        return Opening(_network(entry))
    found = _PORT.fullmatch(entry)
    if found is None:
        return Opening(_host(entry))
    port = int(found["port"])
    if not 0 < port <= _PORT_MAX:
        raise ValueError(f"has a port that is not within 1 and {_PORT_MAX}")
    return Opening(_host(found["host"]), port)


def _host(text: str) -> str | Network:
    name = text.lower().removesuffix(".")
    if _NAME.fullmatch(name):
        return name
    return _network(text[1:-1] if text.startswith("[") and text.endswith("]") else text)


def _network(text: str) -> Network:
    try:
        return ip_network(text)
    except ValueError as reason:
        if "host bits" in str(reason):
            raise ValueError(
                f"has host bits set; {ip_network(text, strict=False)} is meant?"
            ) from None
        raise ValueError("is no host, address, network or host:port") from None
