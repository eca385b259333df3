"""Which addresses are reached: what is public, and what the operator opens."""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orbiter.adapters.outbound.addresses import Address, is_public
from orbiter.adapters.outbound.allowlist import EgressAllowlist
from orbiter.adapters.outbound.resolver import SystemResolver

CARRYING_V4 = (  # the network, and how far an IPv4 address stands from the right end
    (IPv6Network("::/96"), 0),
    (IPv6Network("::ffff:0:0/96"), 0),
    (IPv6Network("64:ff9b::/96"), 0),
    (IPv6Network("64:ff9b:1::/48"), 0),
    (IPv6Network("2001::/32"), 64),
    (IPv6Network("2002::/16"), 80),
)
v4 = st.integers(0, 2**32 - 1).map(IPv4Address)
v6 = st.integers(0, 2**128 - 1).map(IPv6Address)
unicast_v6 = st.integers(2**125, 2**126 - 1).map(IPv6Address)


@given(st.one_of(v4, v6, unicast_v6))
def test_what_is_public_is_global_and_one_host(address: Address) -> None:
    if is_public(address):
        assert address.is_global
        assert not address.is_multicast
        assert not address.is_reserved
        assert not address.is_loopback
        assert not address.is_link_local
        assert not address.is_unspecified


@given(v4)
def test_of_ipv4_only_protocol_assignments_are_refused_beyond_that(address: IPv4Address) -> None:
    ordinary = address.is_global and not address.is_multicast and not address.is_reserved
    if ordinary and not is_public(address):
        assert str(address).startswith(("192.0.0.", "192.88.99.", "168.63.129.16"))


@given(v4, st.sampled_from(CARRYING_V4))
def test_an_ipv4_address_inside_an_ipv6_one_is_never_public(
    address: IPv4Address, carrier: tuple[IPv6Network, int]
) -> None:
    network, shift = carrier
    assert not is_public(IPv6Address(int(network.network_address) | int(address) << shift))


@pytest.mark.parametrize(
    "text",
    [
        "0.0.0.0 10.1.2.3 100.64.0.1 127.0.0.1 127.255.255.254 169.254.169.254 172.16.0.1",
        "192.0.0.192 192.0.2.1 192.88.99.1 192.168.1.1 198.18.0.1 198.51.100.1 203.0.113.1",
        "224.0.0.1 239.255.255.250 240.0.0.1 255.255.255.255 168.63.129.16",
        ":: ::1 ::7f00:1 ::ffff:8.8.8.8 64:ff9b::808:808 64:ff9b:1::1 100::1 2001::1 2001:db8::1",
        "2001:2::1 2001:10::1 2002:7f00:1:: 2002:808:808:: 3fff::1 4000::1 5f00::1 fc00::1",
        "fd00:ec2::254 fe80::1 fe80::1%eth0 fec0::1 ff02::1 ff0e::1",
    ],
)
def test_special_addresses_are_not_public(text: str) -> None:
    assert [found for found in text.split() if is_public(ip_address(found))] == []


@pytest.mark.parametrize("text", ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "2a00:1450::200e"])
def test_hosts_of_the_internet_are_public(text: str) -> None:
    assert is_public(ip_address(text))


@pytest.mark.parametrize(
    "spelling",
    ["127.1", "0x7f000001", "2130706433", "017700000001", "127.0.0.1", "0x7f.0.0.1", "localhost"],
)
async def test_every_spelling_of_loopback_is_seen_through(spelling: str) -> None:
    resolver = SystemResolver()
    addresses = await resolver(spelling, 80)
    resolver.close()
    assert addresses
    assert not any(is_public(address) for address in addresses)


@pytest.mark.parametrize(
    ("entry", "host", "address", "port"),
    [
        ("127.0.0.1", "any.test", "127.0.0.1", 5000),
        ("10.0.0.0/8", "any.test", "10.200.3.4", 80),
        ("internal.example", "Internal.Example.", "10.0.0.1", 80),
        ("INTERNAL.example.:8080", "internal.example", "10.0.0.1", 8080),
        ("[::1]:9000", "::1", "::1", 9000),
        ("[::1]", "::1", "::1", 1),
        ("::1", "any.test", "::1", 1),
        ("fd00::/8", "any.test", "fd12::1", 443),
        ("127.0.0.1:8000", "any.test", "127.0.0.1", 8000),
        ("x, , 10.0.0.0/8 ,y", "any.test", "10.0.0.1", 80),
    ],
)
def test_an_entry_opens_what_it_names(entry: str, host: str, address: str, port: int) -> None:
    assert EgressAllowlist.parse(entry).allows(host, ip_address(address), port)


@pytest.mark.parametrize(
    ("entry", "host", "address", "port"),
    [
        ("", "any.test", "127.0.0.1", 80),
        ("127.0.0.1", "any.test", "127.0.0.2", 80),
        ("127.0.0.1", "any.test", "::ffff:127.0.0.1", 80),
        ("127.0.0.1:8000", "any.test", "127.0.0.1", 8001),
        ("localhost", "127.0.0.1", "127.0.0.1", 80),
        ("internal.example", "evil.internal.example", "10.0.0.1", 80),
        ("internal.example", "internal.example.evil.test", "10.0.0.1", 80),
        ("internal.example:8080", "internal.example", "10.0.0.1", 80),
        ("10.0.0.0/8", "any.test", "11.0.0.1", 80),
    ],
)
def test_an_entry_opens_nothing_else(entry: str, host: str, address: str, port: int) -> None:
    assert not EgressAllowlist.parse(entry).allows(host, ip_address(address), port)


@pytest.mark.parametrize(
    "entry",
    [
        "http://internal.example",
        "*.example",
        "a b",
        "127.1",
        "0x7f000001",
        "2130706433",
        "1.2.3.4.5",
        "10.0.0.0/33",
        "internal.example:0",
        "internal.example:65536",
        "internal.example:http",
        "10.0.0.0/8:80",
        "[::1",
        "::1]:80",
        "bücher.example",
        "-x.example",
        ":80",
        "user@internal.example",
    ],
)
def test_an_entry_of_no_meaning_is_refused_by_name(entry: str) -> None:
    with pytest.raises(ValueError) as refusal:
        EgressAllowlist.parse(f"127.0.0.1, {entry}")
    assert repr(entry) in str(refusal.value)
    assert "127.0.0.1'" not in str(refusal.value).replace(repr(entry), "")


def test_all_wrong_entries_are_told_at_once_and_host_bits_are_explained() -> None:
    with pytest.raises(ValueError, match=r"'\*'.*10\.0\.0\.0/8 is meant"):
        EgressAllowlist.parse("*, 10.0.0.1/8")


@given(st.text(max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        EgressAllowlist.parse(text)
    except ValueError as refusal:
        assert str(refusal)


def test_a_list_with_more_entries_leaves_the_first_one_as_it_was() -> None:
    opened = EgressAllowlist.parse("10.0.0.0/8")
    more = opened.plus("127.0.0.1:11434, [::1]:11434")
    assert more.allows("localhost", ip_address("127.0.0.1"), 11434)
    assert more.allows("localhost", ip_address("::1"), 11434)
    assert more.allows("x", ip_address("10.1.2.3"), 80)
    assert not more.allows("localhost", ip_address("127.0.0.1"), 11435)
    assert not more.allows("localhost", ip_address("127.0.0.2"), 11434)
    assert not opened.allows("localhost", ip_address("127.0.0.1"), 11434)
