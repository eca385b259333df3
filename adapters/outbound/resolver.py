"""Names to addresses."""

import asyncio
import socket
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address
from typing import Final, Protocol

from orbiter.adapters.outbound.addresses import Address

# Names are looked up in threads of their own: a slow one must not keep files and passwords waiting.
THREADS: Final = 16


class Resolver(Protocol):
    """Find the addresses of a host."""

    async def __call__(self, host: str, port: int) -> Sequence[Address]:
        """Return the addresses of *host*, best ones first, or raise OSError when it has none."""
        ...

    def close(self) -> None:
        """Give back what it holds."""


class SystemResolver:
    """The machine's own resolver: hosts file, DNS, and every spelling of an IPv4 address."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="resolver")

    async def __call__(self, host: str, port: int) -> Sequence[Address]:
        """Return the addresses of *host*, best ones first, or raise OSError when it has none."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, _addresses, host, port)

    def close(self) -> None:
        """Give the threads back; what is still queued is dropped."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _addresses(host: str, port: int) -> Sequence[Address]:
    # As bytes: text would go through the idna codec, which fails in ways of its own.
    found = socket.getaddrinfo(host.encode("ascii"), port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(ip_address(target[0]) for *_, target in found))
