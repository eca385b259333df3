"""Mail as files, where no mail server is configured."""

import asyncio
import os
import secrets
from pathlib import Path

from orbiter.adapters.notification.messages import message
from orbiter.application.ports.system import Clock, Mail
from orbiter.domain.errors import Unavailable


class FileMailer:
    """Write each mail as an `.eml` file into *folder*, for the owner's eyes alone."""

    def __init__(self, folder: Path, *, sender: str, clock: Clock) -> None:
        self._folder = folder
        self._sender = sender
        self._clock = clock

    async def send(self, mail: Mail) -> None:
        """Write the mail, or raise Unavailable; names sort by time."""
        name = f"{self._clock.now():%Y%m%dT%H%M%S.%f}-{secrets.token_hex(4)}.eml"
        content = message(mail, self._sender, self._clock).as_bytes()
        try:
            await asyncio.to_thread(self._write, name, content)
        except OSError as failure:
            raise Unavailable(f"The mail can't be written: {failure.strerror}") from None

    def _write(self, name: str, content: bytes) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._folder / name
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
