"""A real browser, driven by its DevTools protocol over a pair of pipes; no driver is needed."""

import asyncio
import json
import os
import shutil
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from fcntl import F_DUPFD_CLOEXEC, fcntl
from pathlib import Path
from typing import Any, Final

NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PATIENCE_SECONDS: Final = 30
MESSAGE_MAX: Final = 64 * 1024 * 1024
_END: Final = b"\0"
_ARGUMENTS: Final = (
    "--headless",
    "--remote-debugging-pipe",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--disable-gpu",
    "--disable-sync",
    "--no-default-browser-check",
    "--no-first-run",
    "--no-sandbox",
    "--window-size=1280,1000",
)


def installed() -> str | None:
    """Return the path of a Chromium, if this machine has one."""
    return next(filter(None, map(shutil.which, NAMES)), None)


@dataclass
class Page:
    """One tab; *requested* are the addresses it asked for, *complaints* what its console says."""

    pipe: int
    session: str = ""
    requested: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    _asked: int = 0
    _answers: dict[int, asyncio.Future[Any]] = field(default_factory=dict)

    async def open(self, address: str) -> None:
        """Go to *address*."""
        await self.call("Page.navigate", url=address)

    async def evaluate(self, expression: str) -> Any:
        """Return what a JavaScript expression comes to, its promise awaited."""
        told = await self.call(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in told, told
        return told["result"].get("value")

    async def until(self, condition: str) -> None:
        """Return once a JavaScript *condition* holds."""
        await self.evaluate(
            f"new Promise((done) => {{ const look = () => ({condition}) ? done(true)"
            " : setTimeout(look, 50); look(); })"
        )

    async def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a method of the protocol and return its result."""
        self._asked += 1
        answer = asyncio.get_running_loop().create_future()
        self._answers[self._asked] = answer
        message = {"id": self._asked, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.pipe, json.dumps(message).encode() + _END)
        told: dict[str, Any] = await asyncio.wait_for(answer, PATIENCE_SECONDS)
        assert "error" not in told, told
        result: dict[str, Any] = told["result"]
        return result

    async def listen(self, receive: asyncio.StreamReader) -> None:
        """Take in what the browser says, until it says no more."""
        try:
            while True:
                message = json.loads((await receive.readuntil(_END))[:-1])
                if "id" in message:
                    answer = self._answers.pop(message["id"])
                    if not answer.done():
                        answer.set_result(message)
                else:
                    self._note(message["method"], message["params"])
        except asyncio.IncompleteReadError:
            for answer in self._answers.values():
                if not answer.done():
                    answer.set_exception(ConnectionError("The browser has gone"))

    def _note(self, event: str, told: dict[str, Any]) -> None:
        if event == "Network.requestWillBeSent":
            self.requested.append(told["request"]["url"])
        elif event == "Log.entryAdded" and told["entry"]["level"] in ("error", "warning"):
            self.complaints.append(f"{told['entry']['text']} {told['entry'].get('url', '')}")
        elif event == "Runtime.consoleAPICalled" and told["type"] in ("error", "warning"):
            self.complaints.append(json.dumps(told["args"]))
        elif event == "Runtime.exceptionThrown":
            self.complaints.append(json.dumps(told["exceptionDetails"]))


@asynccontextmanager
async def open_page(executable: str, profile: Path) -> AsyncIterator[Page]:
    """Start a browser with an empty *profile*, and end it."""
    (told, tell), (heard, answer) = os.pipe(), os.pipe()
    pid = _start(executable, profile, told, answer)
    receive = asyncio.StreamReader(limit=MESSAGE_MAX)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(receive), os.fdopen(heard, "rb")
    )
    page = Page(tell)
    listening = asyncio.create_task(page.listen(receive))
    try:
        await _attach(page)
        yield page
    finally:
        os.close(tell)  # At the end of what it is told, the browser ends.
        await _ended(pid)
        await listening
        transport.close()


async def _ended(pid: int) -> None:
    ending = asyncio.create_task(asyncio.to_thread(os.waitpid, pid, 0))
    done, _ = await asyncio.wait({ending}, timeout=PATIENCE_SECONDS)
    if not done:
        os.kill(pid, signal.SIGKILL)
    await ending


async def _attach(page: Page) -> None:
    target = await page.call("Target.createTarget", url="about:blank")
    attached = await page.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)
    page.session = attached["sessionId"]
    for domain in ("Page", "Network", "Log", "Runtime"):
        await page.call(f"{domain}.enable")


def _start(executable: str, profile: Path, receive: int, send: int) -> int:
    """Start the browser; it takes what it is told on descriptor 3 and answers on 4."""
    high = [fcntl(each, F_DUPFD_CLOEXEC, 10) for each in (receive, send)]
    silence = os.open(os.devnull, os.O_RDWR)
    actions = [(os.POSIX_SPAWN_DUP2, here, there) for here, there in zip(high, (3, 4), strict=True)]
    actions += [(os.POSIX_SPAWN_DUP2, silence, stream) for stream in (0, 1, 2)]
    arguments = [executable, *_ARGUMENTS, f"--user-data-dir={profile}", "about:blank"]
    pid = os.posix_spawn(executable, arguments, os.environ, file_actions=actions)
    for each in (receive, send, *high, silence):
        os.close(each)
    return pid
