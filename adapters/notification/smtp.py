"""Mail by SMTP."""

from typing import Final
from urllib.parse import unquote, urlsplit

import aiosmtplib

from orbiter.adapters.notification.messages import message
from orbiter.application.ports.system import Clock, Mail
from orbiter.domain.errors import Unavailable

SUBMISSION: Final = 587
SUBMISSION_TLS: Final = 465
LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


class SmtpMailer:
    """Hand mails to the server of a URL: `smtp://user:password@host:587` or `smtps://…`.

    `smtps` is TLS from the start. `smtp` turns to TLS (STARTTLS) when the server offers it, and
    insists on it on port 587 and wherever a password would leave this machine.
    """

    def __init__(self, url: str, *, sender: str, clock: Clock, timeout_seconds: float = 30) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
            raise ValueError("ORBITER_SMTP_URL must look like smtp://user:password@host:587")
        self._host = parts.hostname
        self._tls = parts.scheme == "smtps"
        self._port = parts.port or (SUBMISSION_TLS if self._tls else SUBMISSION)
        self._username = unquote(parts.username) if parts.username else None
        self._password = unquote(parts.password) if parts.password else None
        self._sender = sender
        self._clock = clock
        self._timeout = timeout_seconds

    async def send(self, mail: Mail) -> None:
        """Hand the mail over, or raise Unavailable; the server's words are kept out of it."""
        try:
            await aiosmtplib.send(
                message(mail, self._sender, self._clock),
                hostname=self._host,
                port=self._port,
                username=self._username,
                password=self._password,
                use_tls=self._tls,
                start_tls=False if self._tls else self._starts_tls(),
                local_hostname="localhost",
                timeout=self._timeout,
            )
        except (aiosmtplib.SMTPException, OSError) as failure:
            raise Unavailable(f"The mail server failed: {type(failure).__name__}") from None

    def _starts_tls(self) -> bool | None:
        exposed = self._password is not None and self._host not in LOOPBACK
        return True if exposed or self._port == SUBMISSION else None
