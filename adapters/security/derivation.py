"""Keys for one purpose each, out of the installation's secret key."""

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


def derived(secret_key: str, purpose: str) -> bytes:
    """Return the 32 bytes that *secret_key* gives for *purpose* (HKDF, RFC 5869)."""
    expansion = HKDF(algorithm=SHA256(), length=32, salt=None, info=f"orbiter/{purpose}".encode())
    return expansion.derive(secret_key.encode())
