"""Mail that goes nowhere: kept, to be looked at."""

from collections import deque
from typing import Final

from orbiter.application.ports.system import Mail

KEPT: Final = 1000


class MemoryMailer:
    """Keeps the last thousand mails in *sent*."""

    def __init__(self) -> None:
        self.sent: deque[Mail] = deque(maxlen=KEPT)

    async def send(self, mail: Mail) -> None:
        """Keep the mail."""
        self.sent.append(mail)
