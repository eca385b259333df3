"""TLS of the guarded client: the address is pinned, the name is still what counts."""

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from orbiter.adapters.outbound.allowlist import EgressAllowlist
from orbiter.adapters.outbound.client import GuardedHttpClient
from orbiter.application.ports.outbound import OutboundError, OutboundRequest
from support.outbound import Names, answering, serving

BOOK = {"service.test": [["127.0.0.1"]], "other.test": [["127.0.0.1"]]}


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for service.test that signs itself, with its key, in one file."""
    key = generate_private_key(SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "service.test")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("service.test")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "service.pem"
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(secret + made.public_bytes(Encoding.PEM))
    return path


def a_server_side(certificate: Path, names: list[str | None]) -> ssl.SSLContext:
    """Return a context that notes by what names it was called."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    context.sni_callback = lambda _, name, __: names.append(name)
    return context


def a_request(url: str) -> OutboundRequest:
    return OutboundRequest(method="GET", url=url, headers={}, query={})


async def test_a_trusted_name_is_reached_at_the_checked_address(certificate: Path) -> None:
    called: list[str | None] = []
    client = GuardedHttpClient(
        EgressAllowlist.parse("127.0.0.1"),
        resolver=Names(dict(BOOK)),
        tls=ssl.create_default_context(cafile=certificate),
    )
    async with serving(answering(body=b"safe"), a_server_side(certificate, called)) as server:
        url = server.url(host="service.test", scheme="https")
        assert (await client.send(a_request(url))).body == b"safe"
        await client.close()
    assert called == ["service.test"]


@pytest.mark.parametrize(
    ("host", "trusted", "reason"),
    [
        ("other.test", True, "not valid for 'other.test'"),
        ("service.test", False, "self-signed certificate"),
    ],
)
async def test_a_wrong_certificate_is_a_failed_connection(
    certificate: Path, host: str, trusted: bool, reason: str
) -> None:
    client = GuardedHttpClient(
        EgressAllowlist.parse("127.0.0.1"),
        resolver=Names(dict(BOOK)),
        tls=ssl.create_default_context(cafile=certificate) if trusted else None,
    )
    async with serving(answering(), a_server_side(certificate, [])) as server:
        with pytest.raises(OutboundError) as refusal:
            await client.send(a_request(server.url(host=host, scheme="https")))
        await client.close()
    assert refusal.value.code == "CONNECTION_FAILED"
    assert reason in refusal.value.message
    assert server.heard == []


async def test_a_server_without_tls_is_a_failed_connection() -> None:
    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.test\r\n")
        writer.close()

    client = GuardedHttpClient(EgressAllowlist.parse("127.0.0.1"))
    async with await asyncio.start_server(greet, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(OutboundError) as refusal:
            await client.send(a_request(f"https://127.0.0.1:{port}/"))
        await client.close()
    assert refusal.value.code == "CONNECTION_FAILED"
    assert refusal.value.message == "No secure connection could be made to 127.0.0.1"
