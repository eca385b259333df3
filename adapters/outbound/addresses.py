"""Which IP addresses belong to the public internet."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Final

Address = IPv4Address | IPv6Address

# What `is_global` lets through, in some version of Python or in all of them.
_REFUSED_V4: Final = (
    IPv4Network("192.0.0.0/24"),  # IETF protocol assignments; a cloud's metadata at .192
    IPv4Network("192.88.99.0/24"),  # 6to4 relays (RFC 7526)
    IPv4Network("168.63.129.16/32"),  # Azure's host agent, public in its spelling alone
)
_UNICAST_V6: Final = IPv6Network("2000::/3")
# Addresses that carry an IPv4 address stand outside of 2000::/3 (::ffff:0:0/96, 64:ff9b::/96), or:
_REFUSED_V6: Final = (
    IPv6Network("2001::/23"),  # IETF protocol assignments, Teredo among them (RFC 4380)
    IPv6Network("2002::/16"),  # 6to4 (RFC 3056)
    IPv6Network("3fff::/20"),  # documentation (RFC 9637)
)


def is_public(address: Address) -> bool:
    """Say whether *address* is one host of the public internet.

    Private, loopback, link-local, multicast, reserved and unspecified ones are not, nor are IPv6
    addresses that carry an IPv4 address: what they lead to is decided somewhere else.
    """
    if not address.is_global or address.is_multicast or address.is_reserved:
        return False
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _REFUSED_V4)
    return address in _UNICAST_V6 and not any(address in network for network in _REFUSED_V6)
