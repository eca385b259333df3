"""A service that counts what it is asked, by idempotency key, and may keep callers waiting."""

import asyncio
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field

_HEAD = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n"
_LARGE = "/bytes/"


@dataclass
class Counting:
    """What was asked: the times of each key's requests; paths that begin with /held wait.

    /bytes/<n> answers with a text of n characters.
    """

    port: int = 0
    asked: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    paths: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    hung_up: list[float] = field(default_factory=list)
    released: bool = False
    seconds: float = 0.0

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def until(self, path: str, times: int, seconds: float = 30) -> None:
        """Wait till a path was asked for so often."""
        self.wait(lambda: self.paths[path] >= times, f"{times} x {path}", seconds)

    def wait(self, true: Callable[[], object], what: str, seconds: float = 30) -> None:
        """Wait till something is true."""
        end = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < end, f"in {seconds} s there was no {what}"
            time.sleep(0.01)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                first, *lines = head.decode().split("\r\n")
                headers = dict(line.lower().split(": ", 1) for line in lines if line)
                path = first.split()[1]
                self.asked[headers["idempotency-key"]].append(time.monotonic())
                self.paths[path] += 1
                await asyncio.sleep(self.seconds)
                await self._hold(path, reader)
                writer.write(_answer(path))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _hold(self, path: str, reader: asyncio.StreamReader) -> None:
        while path.startswith("/held") and not self.released:
            if reader.at_eof():
                self.hung_up.append(time.monotonic())
                raise ConnectionError
            await asyncio.sleep(0.01)


def _answer(path: str) -> bytes:
    body = b'{"ok":true}'
    if path.startswith(_LARGE):
        body = b'"%b"' % (b"x" * int(path.removeprefix(_LARGE)))
    return _HEAD.format(len(body)).encode() + body


@contextmanager
def counting() -> Iterator[Counting]:
    """Serve in a thread, so that a test may wait for processes meanwhile."""
    service = Counting()
    ready: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()
    thread = threading.Thread(target=lambda: asyncio.run(_serve(service, ready)))
    thread.start()
    loop, over = ready.result()
    try:
        yield service
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join()


async def _serve(
    service: Counting, ready: "Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]]"
) -> None:
    over = asyncio.Event()
    server = await asyncio.start_server(service.serve, "127.0.0.1", 0)
    service.port = server.sockets[0].getsockname()[1]
    ready.set_result((asyncio.get_running_loop(), over))
    await over.wait()
    server.close()
