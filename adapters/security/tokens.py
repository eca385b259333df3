"""Random tokens, their hashes, and what this installation signs."""

import hmac
import secrets
from collections.abc import Sequence
from hashlib import sha256

from orbiter.adapters.security.derivation import derived


class SignedTokens:
    """Tokens of the system's randomness; the first of *secret_keys* signs, each verifies."""

    def __init__(self, secret_keys: Sequence[str]) -> None:
        self._keys = [derived(key, "signing") for key in secret_keys]

    def new(self) -> str:
        """Return 256 random bits, safe in a URL."""
        return secrets.token_urlsafe(32)

    def hash(self, token: str) -> str:
        """Return the SHA-256 of *token* in hex: 256 random bits need no salt and no slowness."""
        return sha256(token.encode(errors="surrogatepass")).hexdigest()

    def sign(self, purpose: str, text: str) -> str:
        """Return the HMAC-SHA256 of *text* for *purpose*, in hex."""
        return _mac(self._keys[0], purpose, text)

    def signed(self, purpose: str, text: str, mac: str) -> bool:
        """Say in constant time whether *mac* is that of *text*, under any key still known."""
        given = mac.encode(errors="surrogatepass")
        found = [
            hmac.compare_digest(_mac(key, purpose, text).encode(), given) for key in self._keys
        ]
        return any(found)


def _mac(key: bytes, purpose: str, text: str) -> str:
    # The NUL keeps ("ab", "c") and ("a", "bc") apart: no purpose contains one.
    return hmac.new(key, f"{purpose}\0{text}".encode(errors="surrogatepass"), sha256).hexdigest()
