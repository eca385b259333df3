"""A vendor of models that counts which calls were paid for, served from a thread."""

import json
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from support.vendors.openai import DONE, pieces


@dataclass
class Vendor:
    """Lets an agent call its first tool for *turns* times, then gives the last tool's output.

    *paid* has the times at which each call was asked for, by the conversation's first user message
    and how long it was. While *held* a call gets no answer.
    """

    turns: int = 3
    seconds: float = 0.0
    port: int = 0
    held: bool = False
    paid: dict[tuple[str, int], list[float]] = field(default_factory=lambda: defaultdict(list))
    hung_up: list[float] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def wait(self, true: Callable[[], object], what: str, seconds: float = 30) -> None:
        """Wait till something is true."""
        end = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < end, f"in {seconds} s there was no {what}"
            time.sleep(0.01)

    def answer(self, request: dict[str, Any]) -> Iterator[Any]:
        """Yield the events of the answer to a chat."""
        messages = request["messages"]
        given = [each["content"] for each in messages if each["role"] == "tool"]
        if len(given) < self.turns:
            name = request["tools"][0]["function"]["name"]
            yield from pieces("", [(name, {"place": len(given)})])
        else:
            yield from pieces(f"done: {given[-1]}")

    def note(self, request: dict[str, Any]) -> None:
        """Count a call."""
        first = next(each["content"] for each in request["messages"] if each["role"] == "user")
        self.paid[first, len(request["messages"])].append(time.monotonic())


class _Server(ThreadingHTTPServer):
    # All runs that were cut off go on at once.
    request_queue_size = 128


@contextmanager
def paid_vendor(**options: Any) -> Iterator[Vendor]:
    """Serve a vendor till the block ends."""
    vendor = Vendor(**options)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["content-length"])))
            vendor.note(request)
            time.sleep(vendor.seconds)
            if vendor.held:
                self._hold()
                return
            self.send_response(200)
            self.send_header("content-type", "text/event-stream")
            self.send_header("connection", "close")
            self.end_headers()
            with suppress(ConnectionError):
                for said in vendor.answer(request):
                    text = said if said == DONE else json.dumps(said)
                    self.wfile.write(f"data: {text}\n\n".encode())
            self.close_connection = True

        def _hold(self) -> None:
            self.connection.settimeout(30)
            with suppress(OSError):
                self.connection.recv(1)
            vendor.hung_up.append(time.monotonic())
            self.close_connection = True

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = _Server(("127.0.0.1", 0), Handler)
    vendor.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield vendor
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
