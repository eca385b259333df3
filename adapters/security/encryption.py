"""Encryption at rest: AES and HMAC by Fernet, with keys that can be rotated."""

from base64 import urlsafe_b64encode
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from orbiter.adapters.security.derivation import derived


class FernetCipher:
    """Authenticated encryption; the first of *secret_keys* encrypts, the others still decrypt."""

    def __init__(self, secret_keys: Sequence[str]) -> None:
        keys = (urlsafe_b64encode(derived(key, "encryption")) for key in secret_keys)
        fernets = [Fernet(key) for key in keys]
        self._newest = fernets[0]
        self._fernet = MultiFernet(fernets)

    def encrypt(self, plain: bytes) -> bytes:
        """Return what may be stored."""
        return self._fernet.encrypt(plain)

    def decrypt(self, sealed: bytes) -> bytes:
        """Return the plain bytes, or raise ValueError when no key fits."""
        try:
            return self._fernet.decrypt(sealed)
        except InvalidToken:
            raise ValueError("No secret key decrypts this") from None

    def rotate(self, sealed: bytes) -> bytes:
        """Return the same under the first key, *sealed* itself if it is; or raise ValueError."""
        try:
            self._newest.decrypt(sealed)
        except InvalidToken:
            return self.encrypt(self.decrypt(sealed))
        return sealed
