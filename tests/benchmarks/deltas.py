"""How long a word takes from the vendor to us: `python -m benchmarks.deltas`.

The vendor answers after a moment, so that only the way of the word is measured, over SSE.
"""

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import uvloop

from benchmarks.caller import Caller
from benchmarks.processes import orbiter
from benchmarks.vendor import event

MOMENT = 0.2
_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"


@dataclass
class Vendor:
    """A vendor of one word; *said* has when it said it."""

    port: int = 0
    said: list[float] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one chat."""
        await reader.readuntil(b"\r\n\r\n")
        writer.write(_HEAD)
        await asyncio.sleep(MOMENT)
        self.said.append(time.perf_counter())
        writer.write(event({"content": "word"}).encode())
        await asyncio.sleep(0.05)
        writer.write((event({}, "stop") + "data: [DONE]\n\n").encode())
        writer.close()


@asynccontextmanager
async def vendor() -> AsyncIterator[Vendor]:
    """Serve a vendor till the block ends."""
    made = Vendor()
    async with await asyncio.start_server(made.serve, "127.0.0.1", 0) as server:
        made.port = server.sockets[0].getsockname()[1]
        yield made


async def heard(caller: Caller, path: str) -> float:
    """Return when the first word of a run came over SSE."""
    body = json.dumps({"input": "hi"})
    lines = [
        f"POST /api/v1{path} HTTP/1.1",
        "Host: 127.0.0.1",
        "Accept: text/event-stream",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        *(f"{name}: {value}" for name, value in caller.headers.items()),
    ]
    reader, writer = await asyncio.open_connection("127.0.0.1", caller.port)
    writer.write("\r\n".join([*lines, "", body]).encode())
    await reader.readuntil(b"event: step.delta")
    came = time.perf_counter()
    writer.close()
    return came


async def bench(times: int) -> str:
    """Return the figures in a line."""
    with tempfile.TemporaryDirectory(prefix="orbiter-") as folder, orbiter(folder) as place:
        Path(folder).chmod(0o755)
        async with vendor() as said:
            caller = Caller(place.port)
            await caller.sign_up()
            url = f"http://127.0.0.1:{said.port}/v1"
            provider = {"name": "one", "provider_type": "openai_compatible", "base_url": url}
            assert (await caller.call("POST", "/providers", provider)).status == 201
            project = (await caller.call("POST", "/projects", {"name": "Bench"})).body["id"]
            agent = {"project_id": project, "name": "Speaker", "model": "one:m"}
            made = (await caller.call("POST", "/agents", agent)).body["id"]
            came = [await heard(caller, f"/agents/{made}/run") for _ in range(times)]
    late = sorted(1000 * (ours - theirs) for theirs, ours in zip(said.said, came, strict=True))
    return (
        f"first delta after the vendor's, over SSE: p50 {statistics.median(late):.1f} ms,"
        f" worst of {times} {late[-1]:.1f} ms"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=4.0, help="how long it runs, about")
    print(uvloop.run(bench(max(5, round(parser.parse_args().seconds * 5)))))
